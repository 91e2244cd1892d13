/*
 * scope.h
 *		Scopes as functions that take a lambda.
 *
 * An error in the backend is a longjmp, which runs no destructors; so there are
 * none here.  After an error PostgreSQL itself undoes what the end of a scope
 * would undo: the memory context is reset where the error is caught,
 * the error context stack is restored with the exception stack, and GUC nest
 * levels end with the (sub)transaction.
 */
#ifndef BULK_UPDATE_SERVER_SCOPE_H
#define BULK_UPDATE_SERVER_SCOPE_H

#include <type_traits>

#include "server/pg.h"

namespace bulkupdate
{

/* A pointer and a length, without ownership.  For an array, the compiler counts its elements. */
template <typename T>
struct Span
{
	T *data;
	int size;

	Span() = default;
	constexpr Span(T *first, int n) : data(first), size(n) {}

	template <int N>
	constexpr Span(T (&array)[N]) : data(array), size(N)
	{}

	T *begin() const { return data; }
	T *end() const { return data + size; }
	T &operator[](int i) const { return data[i]; }
};

template <typename T>
inline T *
palloc_array_of(int n)
{
	static_assert(std::is_trivially_destructible_v<T>, "a longjmp would skip the destructor");
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): T may be a pointer, of which this is an array */
	return static_cast<T *>(palloc0(sizeof(T) * static_cast<Size>(Max(n, 1))));
}

/* Copy elements; the places may overlap, and be null if there are none. */
template <typename T>
inline void
move_elements(T *to, const T *from, int n)
{
	static_assert(std::is_trivially_copyable_v<T>);
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): T may be a pointer, of which these are many */
	Size bytes = sizeof(T) * static_cast<Size>(n);

	if (n > 0)
		memmove(static_cast<void *>(to), static_cast<const void *>(from), bytes);
}

template <typename T>
inline T *
palloc_one()
{
	return palloc_array_of<T>(1);
}

/* Run body and restore the current context: SPI's functions change it. */
template <typename Body>
inline auto
keeping_memory_context(Body body) -> decltype(body())
{
	using Result = decltype(body());
	MemoryContext caller = CurrentMemoryContext;

	if constexpr (std::is_void_v<Result>)
	{
		body();
		MemoryContextSwitchTo(caller);
	}
	else
	{
		static_assert(std::is_trivially_destructible_v<Result>);
		Result result = body();

		MemoryContextSwitchTo(caller);
		return result;
	}
}

/* Run body with context as CurrentMemoryContext, which is restored; returns body's result. */
template <typename Body>
inline auto
with_memory_context(MemoryContext context, Body body) -> decltype(body())
{
	using Result = decltype(body());

	return keeping_memory_context([&] {
		MemoryContextSwitchTo(context);
		if constexpr (std::is_void_v<Result>)
		{
			body();
			Assert(CurrentMemoryContext == context);
		}
		else
		{
			Result result = body();

			Assert(CurrentMemoryContext == context);
			return result;
		}
	});
}

/* Run body; an error raised in it calls callback(arg), which adds errcontext(). */
template <typename Arg, typename Body>
inline auto
with_error_context(void (*callback)(void *), Arg *arg, Body body) -> decltype(body())
{
	using Result = decltype(body());
	ErrorContextCallback frame;

	frame.previous = error_context_stack;
	frame.callback = callback;
	frame.arg = const_cast<std::remove_const_t<Arg> *>(arg);
	error_context_stack = &frame;

	if constexpr (std::is_void_v<Result>)
	{
		body();
		error_context_stack = frame.previous;
	}
	else
	{
		static_assert(std::is_trivially_destructible_v<Result>);
		Result result = body();

		error_context_stack = frame.previous;
		return result;
	}
}

} /* namespace bulkupdate */

#endif /* BULK_UPDATE_SERVER_SCOPE_H */
