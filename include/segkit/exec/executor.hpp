// segkit/exec/executor.hpp: where work runs. An executor is anything with
//
//     unsigned concurrency() const;
//     void bulk(std::size_t n, void (*task)(void* context, std::size_t index), void* context) const;
//
// `bulk` calls task(context, i) once for every i in [0, n), in any order, on any threads, and returns when all
// are done. oneTBB, OpenMP or a host's own pool adapt in five lines. Results never depend on the executor:
// work is cut by row count alone and partial results are merged in a fixed order.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <type_traits>

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE {

template <class E>
concept executor = requires(const E& e, std::size_t n, void (*task)(void*, std::size_t), void* context) {
    { e.concurrency() } -> std::convertible_to<unsigned>;
    e.bulk(n, task, context);
};

// Runs everything in the calling thread: the default of every entry point.
struct serial {
    unsigned concurrency() const { return 1; }
    void bulk(std::size_t n, void (*task)(void*, std::size_t), void* context) const {
        for (std::size_t i = 0; i < n; ++i) task(context, i);
    }
};

// A borrowed executor of any type: what non-template code takes. The executor must outlive it.
class executor_ref {
public:
    template <executor E>
        requires(!std::same_as<std::remove_cvref_t<E>, executor_ref>)
    executor_ref(const E& e)
        : self_(std::addressof(e)),
          bulk_([](const void* self, std::size_t n, void (*task)(void*, std::size_t), void* context) {
              static_cast<const E*>(self)->bulk(n, task, context);
          }),
          concurrency_(e.concurrency()) {}

    unsigned concurrency() const { return concurrency_; }

    void bulk(std::size_t n, void (*task)(void*, std::size_t), void* context) const { bulk_(self_, n, task, context); }

    // Calls f(i) for every i in [0, n). An exception of the lowest index that threw is rethrown here, after all
    // tasks have ended; tasks that have not begun by then are skipped. Executors need not know about exceptions.
    template <class F>
    void run(std::size_t n, F&& f) const {
        if (n == 1) {
            f(std::size_t{0});
            return;
        }
        struct context {
            std::remove_reference_t<F>* f;
            std::atomic<std::size_t> failed_at{static_cast<std::size_t>(-1)};
            std::mutex lock{};
            std::exception_ptr failure{};
        } shared{std::addressof(f)};
        bulk(
            n,
            [](void* p, std::size_t i) {
                auto& c = *static_cast<context*>(p);
                if (i > c.failed_at.load(std::memory_order_relaxed)) return;
                try {
                    (*c.f)(i);
                } catch (...) {
                    const std::lock_guard hold(c.lock);
                    if (i < c.failed_at.load(std::memory_order_relaxed)) {
                        c.failed_at.store(i, std::memory_order_relaxed);
                        c.failure = std::current_exception();
                    }
                }
            },
            &shared);
        if (shared.failure) std::rethrow_exception(shared.failure);
    }

private:
    const void* self_;
    void (*bulk_)(const void*, std::size_t, void (*)(void*, std::size_t), void*);
    unsigned concurrency_;
};

namespace detail {
inline constexpr serial default_executor{};
}

}  // namespace SEGKIT_NAMESPACE
