"""Which rows and columns belong to a model, its objects and the names of fields."""

from django.db.models import Model, QuerySet, Value
from django.db.models.manager import BaseManager


def queryset_of(source, using):
    """A queryset of the rows to update, with the database to write to."""
    if isinstance(source, type) and issubclass(source, Model):
        source = QuerySet(source)
    elif isinstance(source, BaseManager):
        source = source.get_queryset()
    elif not isinstance(source, QuerySet):
        raise TypeError("bulk_update() takes a model, a manager or a queryset, not an object of"
                        f" {type(source).__name__}.")
    queryset = source.using(using) if using else source.all()
    queryset._for_write = True
    queryset.filter(pk__in=())  # raises Django's errors for slices and unions
    return queryset


def is_generated(field):
    return getattr(field, "generated", False)  # Django 5.0


def key_fields(model):
    return list(getattr(model._meta, "pk_fields", None) or [model._meta.pk])


def is_expression(value):
    """Whether the database has to evaluate it. A plain Value() is a value."""
    return hasattr(value, "resolve_expression") and type(value) is not Value


def fields_by_table(model, names):
    """{model that has the table: [field, ...]}; the errors are those of Django's bulk_update()."""
    names = list(names)
    if not names:
        raise ValueError("Field names must be given to bulk_update().")
    opts = model._meta
    fields = list(dict.fromkeys(opts.get_field(name) for name in names))
    if any(not field.concrete or field.many_to_many for field in fields):
        raise ValueError("bulk_update() can only be used with concrete fields.")
    keys = {field for each in [model, *opts.get_parent_list()] for field in key_fields(each)}
    if any(field.primary_key or field in keys for field in fields):
        raise ValueError("bulk_update() cannot be used with primary key fields.")
    generated = [field.name for field in fields if is_generated(field)]
    if generated:
        raise ValueError(f"bulk_update() cannot write generated fields: {', '.join(generated)}.")
    groups = {}
    for field in fields:
        groups.setdefault(field.model._meta.concrete_model, []).append(field)
    return groups


def one_table(model, names):
    """(the model that has the table, the fields); ValueError if the fields are of several tables."""
    groups = fields_by_table(model, names)
    if len(groups) > 1:
        tables = ", ".join(each._meta.db_table for each in groups)
        raise ValueError(f"bulk_update() updates one table at a time, and these fields are of {tables}.")
    return next(iter(groups.items()))


def expected_fields(model, with_table, names):
    """The fields whose values are expected, of the model that has the table."""
    names = [names] if isinstance(names, str) else list(names)
    if not names:
        raise ValueError("Field names must be given in expected, or it must be omitted.")
    fields = list(dict.fromkeys(model._meta.get_field(name) for name in names))
    for field in fields:
        if not field.concrete or field.many_to_many:
            raise ValueError(f"expected can only name concrete fields, and '{field.name}' is not one.")
        if field in key_fields(with_table) or field.primary_key:
            raise ValueError(f"expected cannot name primary key fields, such as '{field.name}'.")
        if field.model._meta.concrete_model is not with_table:
            raise ValueError(f"expected can only name fields of {with_table._meta.db_table}, and '{field.name}' is of"
                             f" {field.model._meta.db_table}.")
    return fields
