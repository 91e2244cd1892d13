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
    matched = []  # by Django

    def evaluate(objects):
        number = django(objects, names, batch_size)
        if number is None:  # before Django 4.0
            number = target.filter(pk__in=[obj.pk for obj in objects]).count()
        matched.append(number)

    if isinstance(objs, Sized) or len(groups) > 1:
        objs = tuple(objs)
        keys = {obj.pk for obj in objs if has_expression(obj, attributes)}
        if keys and is_entangled(objs, attributes, keys, batch):
            return django(objs, names, batch_size)
        values = without_expressions(objs, attributes, evaluate) if keys else objs
    else:
        values = without_expressions(objs, attributes, evaluate)
    options = {"on_duplicate": "first", **({"chunk_size": chunk_size_of(batch)} if batch else {})}
    with nullcontext() if len(groups) == 1 else transaction.atomic(using=target.db):
        values = values if len(groups) == 1 else tuple(values)
        written = max([Call(target, model, group, [], options, batch=batch).run(values).rows_matched
                       for model, group in groups.items()])
    return written + sum(matched)


def has_expression(obj, attributes):
    for attribute in attributes:
        if is_expression(getattr(obj, attribute)):
            return True
    return False


def is_entangled(objects, attributes, keys, batch):
    """Whether objects with expressions, which have these keys, cannot be taken out: an object without has the same key, or
    would get into another batch than one with the same key."""
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
