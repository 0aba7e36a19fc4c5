#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <functional>
#include <thread>
#include <vector>

#include <segkit/exec/executor.hpp>
#include <segkit/exec/threads.hpp>

static_assert(segkit::executor<segkit::threads>);

TEST_CASE("a pool calls every index exactly once, and can be used again") {
    for (unsigned count : {0u, 1u, 2u, 3u, 7u}) {
        const segkit::threads pool(count);
        CHECK(pool.concurrency() == (count == 0 ? 1 : count));
        const segkit::executor_ref executor = pool;
        for (std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{1000}}) {
            for (int round = 0; round < 20; ++round) {
                std::vector<std::atomic<int>> called(n);
                executor.run(n, [&](std::size_t i) { ++called[i]; });
                bool once = true;
                for (auto& c : called) once = once && c == 1;
                CHECK(once);
            }
        }
    }
}

TEST_CASE("tasks run on several threads, the calling one among them") {
    const segkit::threads pool(2);
    std::atomic<int> arrived{0};
    std::vector<std::thread::id> who(2);
    // Each task waits for the other: with one thread this would never end.
    segkit::executor_ref(pool).run(2, [&](std::size_t i) {
        who[i] = std::this_thread::get_id();
        ++arrived;
        while (arrived < 2) std::this_thread::yield();
    });
    CHECK(who[0] != who[1]);
    CHECK((who[0] == std::this_thread::get_id() || who[1] == std::this_thread::get_id()));
}

#if defined(__linux__) && !defined(__ANDROID__)
TEST_CASE("workers leave the caller's processor to it, where there is one for every thread") {
    cpu_set_t callers;
    REQUIRE(pthread_getaffinity_np(pthread_self(), sizeof callers, &callers) == 0);
    const int processors = CPU_COUNT(&callers);
    for (const int count : {2, processors + 1}) {
        const segkit::threads pool(static_cast<unsigned>(count));
        for (int round = 0; round < 3; ++round) {
            std::atomic<int> arrived{0};
            std::vector<int> may_use(static_cast<std::size_t>(count));
            segkit::executor_ref(pool).run(may_use.size(), [&](std::size_t i) {
                cpu_set_t own;
                may_use[i] = pthread_getaffinity_np(pthread_self(), sizeof own, &own) == 0 ? CPU_COUNT(&own) : 0;
                ++arrived;
                while (arrived < count) std::this_thread::yield();    // each waits for all: every thread has one task
            });
            const int workers_may = count > processors ? processors : processors - 1;
            std::vector<int> expected(may_use.size(), workers_may);
            expected[0] = processors;
            std::sort(may_use.begin(), may_use.end(), std::greater<>());
            CHECK(may_use == expected);
        }
    }
}

namespace {
// The CPUs that the worker of a pool of two may use, asked while the calling thread is bound to `cpu`.
cpu_set_t workers_cpus(const segkit::threads& pool, std::size_t cpu) {
    cpu_set_t before, only, workers;
    REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    REQUIRE(sched_setaffinity(0, sizeof only, &only) == 0);
    const std::thread::id caller = std::this_thread::get_id();
    std::atomic<int> arrived{0};
    segkit::executor_ref(pool).run(2, [&](std::size_t) {
        if (std::this_thread::get_id() != caller) (void)sched_getaffinity(0, sizeof workers, &workers);
        ++arrived;
        while (arrived < 2) std::this_thread::yield();    // one task for each
    });
    REQUIRE(sched_setaffinity(0, sizeof before, &before) == 0);
    return workers;
}
}  // namespace

TEST_CASE("workers keep off the CPU of the calling thread, wherever it goes, where there is another") {
    cpu_set_t allowed;
    REQUIRE(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
    std::vector<std::size_t> cpus;
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
    const segkit::threads pool(2);
    for (const std::size_t cpu : {cpus.front(), cpus.back(), cpus.front()}) {
        cpu_set_t expected = allowed;
        if (cpus.size() > 1) CPU_CLR(cpu, &expected);
        const cpu_set_t workers = workers_cpus(pool, cpu);
        CHECK(CPU_EQUAL(&workers, &expected));
    }
}
#endif

TEST_CASE("a bulk call inside a task runs inline and does not deadlock") {
    const segkit::threads pool(3);
    const segkit::executor_ref executor = pool;
    std::atomic<int> calls{0};
    executor.run(8, [&](std::size_t) { executor.run(8, [&](std::size_t) { executor.run(2, [&](std::size_t) { ++calls; }); }); });
    CHECK(calls == 8 * 8 * 2);
}

TEST_CASE("two threads may use one pool at the same time") {
    const segkit::threads pool(2);
    std::atomic<int> calls{0};
    auto use = [&] {
        for (int i = 0; i < 200; ++i) segkit::executor_ref(pool).run(10, [&](std::size_t) { ++calls; });
    };
    std::thread other(use);
    use();
    other.join();
    CHECK(calls == 2 * 200 * 10);
}

TEST_CASE("the exception of the lowest failing index comes out, and the pool lives on") {
    const segkit::threads pool(3);
    const segkit::executor_ref executor = pool;
    for (int round = 0; round < 50; ++round) {
        std::size_t caught = 0;
        try {
            executor.run(100, [](std::size_t i) {
                if (i >= 40) throw i;
            });
        } catch (std::size_t index) {
            caught = index;
        }
        CHECK(caught == 40);
    }
}

TEST_CASE("waiting threads sleep") {
    const segkit::threads pool(4);
    segkit::executor_ref(pool).run(4, [](std::size_t) {});
    const std::clock_t before = std::clock();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    const double used = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
    CHECK(used < 0.1);    // processor time: three spinning threads would use several times as much
}
