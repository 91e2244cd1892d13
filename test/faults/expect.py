"""Where each fault point is passed, and which of its errors on_error 'skip' skips."""

ALWAYS = {"open", "fetch", "fetched", "coerce_key", "coerce", "seen_keys_add", "plan", "reject_insert", "progress",
          "report", "close"}
SAME_EVERYWHERE = {"open", "fetch", "fetched", "seen_keys_add", "reject_insert", "progress", "report", "close"}
SORT = {"sort_put", "sort_perform", "sort_next"}
SORTING = SORT | {"spill", "seen_keys_find"}
SUBTRANSACTION = {"subtransaction_begin", "subtransaction_end"}
AFTER_ERROR = {"subtransaction_rollback", "reject"}
SQL = {"statement_before", "receive", "statement_after"}
DIRECT = {"find", "statement_end"}
WITHOUT_ROWS = {"statement_before", "statement_after", "statement_begin", "after_triggers", "statement_end"}
WRITING = {"statement_begin", "write_before", "write_after", "index_insert", "index_entry", "row_triggers",
           "after_triggers"}
ENTRIES = {"entry_sort", "entry_flush", "entry_enter"}
KEEPING = {"old_values_put", "old_values_insert"}
JOB = {"freeze", "job_claim", "job_batch", "job_account", "job_commit", "job_committed", "job_failed"}
RECORDED = {"job_batch", "job_account"}  # an error there is a failure of the batch
TRIGGERS = {"partitions", "late error"}  # with them, index entries do not wait


def passed_somewhere(case):
    """Does this kind of call pass the point?"""
    point, workload = case.point, case.workload
    return (point in ALWAYS and not (workload.fails and point in {"reject_insert", "close"})
            and not (workload.name == "place" and point == "seen_keys_add")
            or point in SORT and workload.name == "place"
            or point == "place_find" and workload.name == "place" and case.applier == "direct"
            or point in SORTING and workload.name == "spill"
            # without 'skip' only a call in which rows can fail late has one
            or point in SUBTRANSACTION and (case.policy == "skip" or workload.name in {"partitions", "late error", "deferrable",
                                                                                             "old values, found late"})
            or point == "recheck" and workload.tables == "turned"
            or point == "attempt" and not workload.dry and (case.policy == "skip" or workload.name == "late error")
            or point in AFTER_ERROR and (workload.rejected != () or workload.fails and point != "reject")
            or point in SQL and case.applier == "sql"
            or point == "locked" and (workload.name == "expected" or workload.keeps and case.applier == "sql")
            or point in KEEPING and workload.keeps
            or point in DIRECT and case.applier == "direct"
            or point in WRITING and case.applier == "direct" and not workload.dry
            or point in ENTRIES | {"entry_hold"} and sorts_entries(case) and (point != "entry_hold" or case.policy == "skip")
            or point == "partition_open" and case.applier == "direct" and workload.name == "partitions")


def sorts_entries(case):
    """Do index entries wait until the call ends?"""
    return case.applier == "direct" and not case.workload.dry and case.workload.name not in TRIGGERS


def ends_with(case, sqlstate):
    """The SQLSTATEs that the call may end with after such an error, which is no row's error."""
    if not case.workload.fails:
        return {sqlstate}
    # While a row is searched for, no error replaces the first one; only there is this point certain to be passed.
    return {case.workload.fails} if case.point == "attempt" else {case.workload.fails, sqlstate}


def worth_trying(case):
    """Does this kind of call differ from the others in its group, for this point?"""
    if case.workload.name == "spill":  # the slowest
        return case.point in SAME_EVERYWHERE | SORTING | {"coerce", "subtransaction_end", "statement_after", "write_after"}
    return case.point not in SAME_EVERYWHERE or case.workload.name == "plain"


def rejected_by_first(case):
    """How many rows an error at only the first passing rejects."""
    if case.workload.name == "partitions" and case.point in SUBTRANSACTION | {"coerce_key"}:
        return 1  # a key is cast once
    # The first subtransaction that ends there has the cast of a single row.
    return 1 if case.point == "subtransaction_end" and case.workload.rejected else 0


def skippable(case, passes):
    """Is an error of a row at this passing skipped?"""
    point, workload = case.point, case.workload
    if case.policy == "stop":
        return False
    if point == "coerce_key":
        return workload.name == "partitions"  # the other keys need no cast
    if point == "plan" and workload.keeps:
        return None  # some plans are those of the INSERTs
    if point == "plan" and workload.name == "expected" and "," in passes:
        return None  # two statements are planned: the second error may be that of the statement without rows
    if point == "plan":
        return passes[0] != "1" and not workload.dry  # the first is that of the INSERT of rejects
    if passes == "1+" and (point in WITHOUT_ROWS or point == "locked" and case.applier == "sql"):
        return False  # the statement fails without rows, too
    if point == "statement_end" and workload.name == "place" and passes[0] == "1":
        return False  # the first statement finds the places
    if point in SQL | DIRECT:
        return not workload.dry
    return point in SUBTRANSACTION | WRITING | {"attempt", "coerce", "partition_open", "locked", "entry_hold",
                                            "old_values_put"}
