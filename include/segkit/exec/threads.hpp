// segkit/exec/threads.hpp: the small default thread pool, an executor made of `count` threads.
//
//     const segkit::threads pool(4);      // the calling thread is one of the four
//     auto fitted = segkit::fit(recipe, table, pool);
//
// Waiting threads sleep on a condition variable, so an idle pool costs nothing. A bulk call from inside a task, or
// from a second thread while the pool is busy, runs in its own thread: nothing ever waits for itself. On Linux the workers keep
// off the CPU that the calling thread is on.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__linux__) && !defined(__ANDROID__)
#include <pthread.h>
#include <sched.h>
#define SEGKIT_THREADS_PLACED 1
#else
#define SEGKIT_THREADS_PLACED 0
#endif

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE {

class threads {
public:
    // As many threads as the machine runs at once.
    threads() : threads(std::thread::hardware_concurrency()) {}

    // `count` threads, the calling one included; 0 counts as 1. When the system refuses a thread, or memory for one, the pool
    // works with those it got: results never depend on their number.
    explicit threads(unsigned count) : shared_(std::make_unique<shared>()) {
        try {
            for (unsigned i = 1; i < count; ++i) shared_->workers.emplace_back([s = shared_.get()] { s->serve(); });
        } catch (const std::system_error&) {
        } catch (const std::bad_alloc&) {    // thrown on, it would end the program: the threads made so far are running
        }
    }

    threads(const threads&) = delete;
    threads& operator=(const threads&) = delete;

    ~threads() {
        {
            const std::lock_guard hold(shared_->lock);
            shared_->stopping = true;
        }
        shared_->wake.notify_all();
        for (auto& worker : shared_->workers) worker.join();
    }

    unsigned concurrency() const { return static_cast<unsigned>(shared_->workers.size()) + 1; }

    // Calls task(context, i) once for every i in [0, n) and returns when all have ended. Tasks must not throw
    // (executor_ref::run carries exceptions across).
    void bulk(std::size_t n, void (*task)(void*, std::size_t), void* context) const {
        std::unique_lock turn(shared_->turn, std::defer_lock);
        if (n < 2 || shared_->workers.empty() || inside_task() || !turn.try_lock()) {
            for (std::size_t i = 0; i < n; ++i) task(context, i);
            return;
        }
        shared_->leave_cpu_to_caller();
        job current{n, task, context};
        {
            const std::lock_guard hold(shared_->lock);
            shared_->current = &current;
            ++shared_->generation;
        }
        shared_->wake.notify_all();
        current.work();
        std::unique_lock hold(shared_->lock);
        shared_->current = nullptr;    // workers that have not woken by now need not come
        shared_->idle.wait(hold, [&] { return shared_->working == 0; });
    }

private:
    static bool& inside_task() {
        thread_local bool inside = false;
        return inside;
    }

    struct job {
        std::size_t n;
        void (*task)(void*, std::size_t);
        void* context;
        std::atomic<std::size_t> next{0};

        void work() {
            inside_task() = true;
            for (std::size_t i = next.fetch_add(1); i < n; i = next.fetch_add(1)) task(context, i);
            inside_task() = false;
        }
    };

    // Lives at one address, so that workers may keep a pointer to it.
    struct shared {
        std::mutex turn;                  // held by the caller whose job the workers share
        std::mutex lock;                  // guards everything below
        std::condition_variable wake;
        std::condition_variable idle;
        job* current = nullptr;
        std::size_t generation = 0;
        std::size_t working = 0;
        bool stopping = false;
        std::vector<std::thread> workers;
#if SEGKIT_THREADS_PLACED
        int callers_cpu = -1;
        cpu_set_t allowed{};    // the CPUs of the thread that made the pool

        shared() { (void)::sched_getaffinity(0, sizeof allowed, &allowed); }
#endif

        // A virtual machine's kernel takes a CPU that sleeps for one that is busy, so it wakes a worker on the CPU of the thread that calls it;
        // there it waits behind that thread, for milliseconds, and jobs shorter than that are done by one thread. With `turn` held.
        void leave_cpu_to_caller() {
#if SEGKIT_THREADS_PLACED
            const int cpu = ::sched_getcpu();
            if (cpu == callers_cpu) return;
            callers_cpu = cpu;
            cpu_set_t others = allowed;
            if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_CLR(static_cast<unsigned>(cpu), &others);
            if (workers.size() > static_cast<std::size_t>(CPU_COUNT(&others))) return;    // too few CPUs to choose from
            for (auto& worker : workers) (void)::pthread_setaffinity_np(worker.native_handle(), sizeof others, &others);
#endif
        }

        void serve() {
            std::size_t seen = 0;
            std::unique_lock hold(lock);
            for (;;) {
                wake.wait(hold, [&] { return stopping || (current != nullptr && generation != seen); });
                if (stopping) return;
                seen = generation;
                job& mine = *current;
                ++working;
                hold.unlock();
                mine.work();
                hold.lock();
                if (--working == 0) idle.notify_one();
            }
        }
    };

    std::unique_ptr<shared> shared_;
};

}  // namespace SEGKIT_NAMESPACE

#undef SEGKIT_THREADS_PLACED
