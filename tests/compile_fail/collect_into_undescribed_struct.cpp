// expect: the struct must be described by SEGKIT_DESCRIBE and have a default constructor
// expect: struct_cannot_be_filled
// expect: visit
#include <segkit/pipeline/collect_into.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"clicks", std::int32_t>>;

struct visit {
    std::int64_t user_id;
};

auto visits(const sk::table<sessions>& t) { return t | sk::collect_into<visit>(); }
