// A user's program: built by every consumer project, it uses the library and checks what it gets.
#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/exec/random.hpp>

#include <cstdio>
#include <string>

int main() {
    const segkit::counter_random random(42, 0);
    if (random.bits(7) != random.bits(7) || random.bits(7) == random.bits(8)) {
        std::puts("random numbers are not a function of the index");
        return 1;
    }
    try {
        throw segkit::error({.code = segkit::error_code::missing_column, .stage = "filter", .field = "clicks"});
    } catch (const segkit::error& caught) {
        const std::string message = caught.what();
        if (message.find("clicks") != std::string::npos) {
            std::printf("segkit %d.%d.%d: %s\n", SEGKIT_VERSION_MAJOR, SEGKIT_VERSION_MINOR, SEGKIT_VERSION_PATCH, message.c_str());
            return 0;
        }
    }
    std::puts("an error does not name its field");
    return 1;
}
