// A library whose static initialiser does what PROBE_VICTIM says.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace {

struct Victim {
    Victim() {
        const char* const given = std::getenv("PROBE_VICTIM");
        const std::string_view fate = given == nullptr ? "" : given;
        if (fate == "throw") {
            throw std::runtime_error("made to throw");
        }
        if (fate == "exit") {
            std::fputs("farewell\n", stderr);
            std::_Exit(7);
        }
        if (fate == "hang") {
            std::this_thread::sleep_for(std::chrono::hours(1));
        }
        if (fate == "chatter") {
            for (int i = 0; i < 100'000; ++i) {
                std::fputs("blah ", stderr);
            }
        }
    }
} victim;

}  // namespace
