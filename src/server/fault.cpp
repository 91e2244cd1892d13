/*
 * fault.cpp
 *		Actions of fault points.
 */
#include "server/fault.h"

#ifdef BULK_UPDATE_FAULTS

#include <csignal>
#include <unistd.h>

#include "server/scope.h"

namespace bulkupdate
{

namespace
{

constexpr const char *POINT_NAMES[] = {
#define FAULT_NAME(name) #name,
	FAULT_POINTS(FAULT_NAME)
#undef FAULT_NAME
};

enum class Action : int
{
	Notice,
	Error,
	Internal,
	Memory,
	Wait,
	Kill,
};

constexpr const char *ACTION_NAMES[] = {"notice", "error", "internal", "memory", "wait", "kill"};

constexpr int MAX_PASSES = 16;

struct Armed
{
	int point; /* -1: none */
	Action action;
	int passes[MAX_PASSES];
	int npasses;
	bool onwards; /* from the last of passes on */
	int passed;
};

Armed armed = {-1, Action::Notice, {}, 0, false, 0};
char *setting = nullptr;
char *points = nullptr;

/* The index of the name; text is advanced past it. */
template <int N>
int
parse_name(const char *const (&names)[N], const char **text)
{
	Size length = strcspn(*text, ":");

	for (int i = 0; i < N; i++)
		if (strlen(names[i]) == length && strncmp(names[i], *text, length) == 0)
		{
			*text += length;
			return i;
		}
	return -1;
}

bool
parse_passes(const char *text, Armed &fault)
{
	do
	{
		char *end;

		if (fault.npasses == MAX_PASSES)
			return false;
		fault.passes[fault.npasses++] = static_cast<int>(strtol(text, &end, 10));
		if (end == text || fault.passes[fault.npasses - 1] < 1)
			return false;
		text = end;
	} while (*text++ == ',');

	fault.onwards = text[-1] == '+';
	return text[fault.onwards ? 0 : -1] == '\0';
}

bool
parse(const char *text, Armed &fault)
{
	fault = {-1, Action::Notice, {}, 0, false, 0};
	if (*text == '\0')
		return true;
	fault.point = parse_name(POINT_NAMES, &text);
	if (fault.point < 0 || *text++ != ':')
		return false;

	int action = parse_name(ACTION_NAMES, &text);

	if (action < 0)
		return false;
	fault.action = static_cast<Action>(action);
	return parse_passes(*text == ':' ? text + 1 : "1", fault);
}

bool
check_setting(char **value, void **, GucSource)
{
	Armed fault;

	if (parse(*value, fault))
		return true;
	GUC_check_errdetail("It is \"point:action[:passes]\", with the points of "
						"\"bulk_update.fault_points\".");
	return false;
}

void
assign_setting(const char *value, void *)
{
	(void) parse(value, armed);
}

bool
is_due()
{
	armed.passed++;
	for (int i = 0; i < armed.npasses; i++)
		if (armed.passed == armed.passes[i])
			return true;
	return armed.onwards && armed.passed > armed.passes[armed.npasses - 1];
}

[[noreturn]] void
wait_for_ever()
{
	for (;;)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, 0, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

} /* namespace */

void
fault_point(FaultPoint point)
{
	const char *name = POINT_NAMES[static_cast<int>(point)];

	if (static_cast<int>(point) != armed.point || !is_due())
		return;

	ereport(NOTICE,
			(errmsg("fault point %s: %s", name, ACTION_NAMES[static_cast<int>(armed.action)])));
	switch (armed.action)
	{
		case Action::Notice:
			break;
		case Action::Error:
			ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("fault at point %s", name)));
		case Action::Internal:
			elog(ERROR, "fault at point %s", name);
		case Action::Memory:
			/* More than is possible, requested in the usual way. */
			(void) MemoryContextAllocHuge(CurrentMemoryContext, MaxAllocHugeSize);
			break;
		case Action::Wait:
			wait_for_ever();
		case Action::Kill:
			(void) kill(getpid(), SIGKILL);
			break;
	}
}

void
fault_define_settings()
{
	StringInfoData names;

	initStringInfo(&names);
	for (const char *name : POINT_NAMES)
		appendStringInfo(&names, "%s%s", names.len > 0 ? " " : "", name);
	DefineCustomStringVariable("bulk_update.fault", "Arms a fault point.", nullptr, &setting, "",
							   PGC_USERSET, 0, check_setting, assign_setting, nullptr);
	DefineCustomStringVariable("bulk_update.fault_points", "Shows the names of the fault points.",
							   nullptr, &points, names.data, PGC_INTERNAL, 0, nullptr, nullptr,
							   nullptr);
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_FAULTS */
