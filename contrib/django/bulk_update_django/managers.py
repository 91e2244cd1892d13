"""In place of Django's own QuerySet.bulk_update()."""

import operator
from collections.abc import Sized
from contextlib import nullcontext

from django.db import connections, transaction
from django.db.models import Manager, QuerySet

from .options import chunk_size_of
from .targets import fields_by_table, is_expression, is_generated, queryset_of
from .update import Call, is_empty


class BulkUpdateQuerySet(QuerySet):
    """A QuerySet whose bulk_update() is this one, with the arguments and the result of Django's."""

    def bulk_update(self, objs, fields, batch_size=None):
        """Like Django's, which updates the objects with expressions, and all objects in other databases."""
        return drop_in(self, super().bulk_update, objs, fields, batch_size)

    bulk_update.alters_data = True

    @classmethod
    def as_manager(cls):
        """A manager that the models of migrations have as well: otherwise they would have Django's own method."""
        # Of one class for each queryset: managers of different classes are different in the eyes of makemigrations.
        if "_manager_class" not in cls.__dict__:
            cls._manager_class = Manager.from_queryset(cls)
        manager = cls._manager_class()
        manager._built_with_as_manager = True
        manager.use_in_migrations = True
        return manager


class BulkUpdateManager(Manager.from_queryset(BulkUpdateQuerySet)):
    """A manager with this bulk_update(), also for the models of migrations."""

    use_in_migrations = True


def drop_in(queryset, django, objs, fields, batch_size):
    """bulk_update() of a queryset, whose method of Django is given, with Django's arguments, errors and result.

    Of objects with the same key the first one of each batch is used, without batch_size of all.
    """
    names = list(fields)
    django((), names, batch_size)  # raises Django's errors about the arguments; sends nothing
    if is_empty(objs):
        return 0
    target = queryset_of(queryset, None)
    if connections[target.db].vendor != "postgresql":
        return django(objs, names, batch_size)
    batch = None
    if batch_size and not (isinstance(objs, Sized) and batch_size >= len(objs)):
        batch = operator.index(batch_size)
    fields = [name for name in names if not is_generated(queryset.model._meta.get_field(name))]  # as in Django
    if not fields:
        return 0
    groups = fields_by_table(queryset.model, fields)
    attributes = [field.attname for group in groups.values() for field in group]
    if isinstance(objs, Sized) or len(groups) > 1:
        objs = tuple(objs)
        if not objs:
            return 0
        if is_entangled(objs, attributes, batch):
            return django(objs, names, batch_size)
    evaluated = []  # the number of rows

    def evaluate(objects):
        matched = django(objects, names, batch_size)
        if matched is None:  # before Django 4.0
            matched = target.filter(pk__in=[obj.pk for obj in objects]).count()
        evaluated.append(matched)

    values = without_expressions(objs, attributes, evaluate)
    options = {"on_duplicate": "first", **({"chunk_size": chunk_size_of(batch)} if batch else {})}
    with nullcontext() if len(groups) == 1 else transaction.atomic(using=target.db):
        values = values if len(groups) == 1 else tuple(values)
        written = max([Call(target, model, group, [], options, batch=batch).run(values).rows_matched
                       for model, group in groups.items()])
    return written + sum(evaluated)


def has_expression(obj, attributes):
    return any(is_expression(getattr(obj, attribute)) for attribute in attributes)


def is_entangled(objects, attributes, batch):
    """Whether the objects with expressions cannot be taken out: an object without has the same key, or is in another batch
    than one with the same key then."""
    keys = {obj.pk for obj in objects if has_expression(obj, attributes)}
    if not keys:
        return False
    others = [obj.pk for obj in objects if not has_expression(obj, attributes)]
    return not keys.isdisjoint(others) or batch is not None and len(set(others)) < len(others)


def without_expressions(objects, attributes, evaluate):
    """Generate the objects without expressions. The others are evaluated at the end, before any object is applied."""
    others, keys = [], set()
    for obj in objects:
        if has_expression(obj, attributes):
            others.append(obj)
            keys.add(obj.pk)
        elif not keys or obj.pk not in keys:
            yield obj
    if others:
        evaluate(others)
