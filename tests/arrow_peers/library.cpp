// What the round-trip test loads into Python: programs of a user behind plain C functions that take and give Arrow streams.
//
// Each returns 0, or 1 with the error's words in `message`. Exceptions do not leave a C function.
#include <cstdint>
#include <cstdio>
#include <optional>

#include <segkit/exec/threads.hpp>
#include <segkit/io/arrow.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

template <class T>
using maybe = std::optional<T>;

// One column of each type, all of which may be null.
using nullable = sk::schema<sk::field<"flag", maybe<bool>>, sk::field<"i32", maybe<std::int32_t>>, sk::field<"i64", maybe<std::int64_t>>, sk::field<"f32", maybe<float>>,
                            sk::field<"f64", maybe<double>>, sk::field<"name", maybe<sk::text>>, sk::field<"day", maybe<sk::date>>, sk::field<"time", maybe<sk::timestamp>>,
                            sk::field<"span", maybe<sk::duration>>>;

// The same without nulls.
using required = sk::schema<sk::field<"flag", bool>, sk::field<"i32", std::int32_t>, sk::field<"i64", std::int64_t>, sk::field<"f32", float>, sk::field<"f64", double>,
                            sk::field<"name", sk::text>, sk::field<"day", sk::date>, sk::field<"time", sk::timestamp>, sk::field<"span", sk::duration>>;

// Texts as a category.
using names = sk::schema<sk::field<"i64", maybe<std::int64_t>>, sk::field<"name", maybe<sk::category>>>;

using points = sk::schema<sk::field<"id", std::int64_t>, sk::field<"at", sk::block<double>>>;

// Lists.
using lists = sk::schema<sk::field<"id", std::int64_t>, sk::field<"numbers", maybe<sk::list<std::int64_t>>>, sk::field<"words", sk::list<sk::text>>,
                         sk::field<"flags", maybe<sk::list<bool>>>, sk::field<"times", sk::list<sk::timestamp>>>;

template <class F>
int guarded(char* message, std::size_t size, F&& f) {
    try {
        f();
        return 0;
    } catch (const std::exception& failure) {
        std::snprintf(message, size, "%s", failure.what());
        return 1;
    }
}

template <class Schema>
int pass_through(ArrowArrayStream* in, ArrowArrayStream* out, unsigned threads, char* message, std::size_t size) {
    return guarded(message, size, [&] { sk::to_arrow_stream(sk::from_arrow_stream<Schema>(in), out, {}, sk::threads(threads)); });
}

}  // namespace

extern "C" {

int nullable_stream(ArrowArrayStream* in, ArrowArrayStream* out, unsigned threads, char* message, std::size_t size) {
    return pass_through<nullable>(in, out, threads, message, size);
}
int required_stream(ArrowArrayStream* in, ArrowArrayStream* out, unsigned threads, char* message, std::size_t size) {
    return pass_through<required>(in, out, threads, message, size);
}
int names_stream(ArrowArrayStream* in, ArrowArrayStream* out, unsigned threads, char* message, std::size_t size) {
    return pass_through<names>(in, out, threads, message, size);
}
int lists_stream(ArrowArrayStream* in, ArrowArrayStream* out, unsigned threads, char* message, std::size_t size) {
    return pass_through<lists>(in, out, threads, message, size);
}
int points_stream(ArrowArrayStream* in, ArrowArrayStream* out, unsigned threads, char* message, std::size_t size) {
    return pass_through<points>(in, out, threads, message, size);
}

// All arrays are kept and read twice; the table that they become is handed over.
int kept_stream(ArrowArrayStream* in, ArrowArrayStream* out, unsigned threads, char* message, std::size_t size) {
    return guarded(message, size, [&] {
        const auto rows = sk::from_arrow_stream<nullable>(in, {.arrays = sk::arrow_arrays::kept});
        if ((rows | sk::aggregate("n"_c = sk::count()) | sk::collect())["n"_c][0] < 0) return;
        sk::to_arrow_stream(rows | sk::collect(sk::threads(threads)), out);
    });
}

// One record batch there and back.
int batch(ArrowSchema* in_schema, ArrowArray* in, ArrowSchema* out_schema, ArrowArray* out, char* message, std::size_t size) {
    return guarded(message, size, [&] { sk::to_arrow(sk::from_arrow<nullable>(in_schema, in) | sk::collect(), out_schema, out); });
}

int groups_by_name(ArrowArrayStream* in, ArrowArrayStream* out, unsigned threads, char* message, std::size_t size) {
    return guarded(message, size, [&] {
        sk::to_arrow_stream(sk::from_arrow_stream<nullable>(in) | sk::group_by("name"_c).aggregate("rows"_c = sk::count(), "known"_c = sk::count("i64"_c), "sum"_c = sk::sum("i64"_c),
                                                                                                    "mean"_c = sk::mean("f64"_c), "last_day"_c = sk::max("day"_c)),
                            out, {}, sk::threads(threads));
    });
}

int lists_by_name(ArrowArrayStream* in, ArrowArrayStream* out, unsigned threads, char* message, std::size_t size) {
    return guarded(message, size, [&] {
        sk::to_arrow_stream(sk::from_arrow_stream<nullable>(in) | sk::group_by("name"_c).aggregate("numbers"_c = sk::to_list("i64"_c), "days"_c = sk::to_list("day"_c)), out, {},
                            sk::threads(threads));
    });
}

}  // extern "C"
