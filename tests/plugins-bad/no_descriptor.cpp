// A shared library that is no plugin. Its initialiser must never run.
#include <cstdio>

namespace {
struct Loud {
    Loud() { std::puts("the library was loaded"); }
} loud;
}  // namespace
