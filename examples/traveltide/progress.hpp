// progress.hpp: what is being done, on standard error, and only where that is a terminal; and how long each step took.
//
//     progress steps;
//     steps.begin("reading the tables");
//     steps.end();                            // then steps.seconds() has {"reading the tables", 0.41}
#pragma once

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

namespace traveltide {

class progress {
public:
    progress() : shown_(::isatty(::fileno(stderr)) != 0) {}
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;
    ~progress() { clear(); }

    void begin(std::string step) {
        end();
        step_ = std::move(step);
        began_ = clock::now();
        if (shown_) std::fprintf(stderr, "\r\033[K%s ...", step_.c_str());
    }
    void end() {
        if (step_.empty()) return;
        seconds_.emplace_back(std::move(step_), std::chrono::duration<double>(clock::now() - began_).count());
        step_.clear();
        clear();
    }
    const std::vector<std::pair<std::string, double>>& seconds() const { return seconds_; }

private:
    using clock = std::chrono::steady_clock;
    void clear() const {
        if (shown_) std::fputs("\r\033[K", stderr);
    }

    bool shown_;
    std::string step_;
    clock::time_point began_{};
    std::vector<std::pair<std::string, double>> seconds_;
};

}  // namespace traveltide
