// segkit/exec/progress.hpp: a function that long work tells how far it has come, and that may end it.
//
//     {.progress = [](const kmeans_progress& p) { return p.iteration < 50; }}    // bool: false ends the work; or void
//
// Any callable converts. It is called now and then, in one thread at a time: never per row.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE {

template <class Progress>
class progress_callback {
public:
    progress_callback() = default;
    template <class F>
        requires std::is_invocable_v<F&, const Progress&>
    progress_callback(F f) : call_(std::make_shared<holder<F>>(std::move(f))) {}

    explicit operator bool() const { return call_ != nullptr; }
    // Whether to go on.
    bool operator()(const Progress& progress) const { return call_->call(progress); }

private:
    struct base {
        virtual ~base() = default;
        virtual bool call(const Progress& progress) = 0;
    };
    template <class F>
    struct holder final : base {
        explicit holder(F g) : f(std::move(g)) {}
        bool call(const Progress& progress) override {
            if constexpr (std::is_void_v<decltype(f(progress))>) {
                f(progress);
                return true;
            } else {
                return static_cast<bool>(f(progress));
            }
        }
        F f;
    };
    std::shared_ptr<base> call_;
};

}  // namespace SEGKIT_NAMESPACE
