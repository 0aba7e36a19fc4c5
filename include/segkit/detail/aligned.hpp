// segkit/detail/aligned.hpp: vectors of numbers that begin at a cache line, so that no load of a whole vector register lies across two.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE::detail {

template <class T>
struct at_cache_line {
    using value_type = T;
    at_cache_line() = default;
    template <class U>
    at_cache_line(const at_cache_line<U>&) {}
    T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t{64})); }
    void deallocate(T* memory, std::size_t) { ::operator delete(memory, std::align_val_t{64}); }
    friend bool operator==(const at_cache_line&, const at_cache_line&) { return true; }
};
using aligned_doubles = std::vector<double, at_cache_line<double>>;

}  // namespace SEGKIT_NAMESPACE::detail
