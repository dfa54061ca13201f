#include <pthread.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <variant>

#include "app/node.hpp"
#include "app/options.hpp"
#include "cli/cli.hpp"
#include "plugin/step.hpp"

namespace {

constexpr int kCouldNotStart = 1;

/// Every connection is a descriptor: take as many as the system gives.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int run_server(const pharos::app::ServerOptions& options, std::chrono::steady_clock::time_point began) {
    // Before any thread exists, so that all inherit it: the signals come to sigwait below and nowhere else.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    pharos::plugin::note_crashes();

    pharos::app::Node node;
    const pharos::spi::Status started = node.start(options, began);
    if (!started) {
        std::fprintf(stderr, "pharos: could not start: %s\n", started.message().c_str());
    } else {
        int signal = 0;
        sigwait(&signals, &signal);
        node.stop();
    }
    const int exit_code = started ? EXIT_SUCCESS : kCouldNotStart;
    if (node.has_hung()) {
        if (started) {
            std::fprintf(stderr, "pharos: %s has not ended; its thread is left behind\n", node.hung().c_str());
        }
        std::_Exit(kCouldNotStart);
    }
    return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
    const auto began = std::chrono::steady_clock::now();
    if (argc < 2 || std::string_view(argv[1]) != "server") {
        return pharos::cli::run(argc, argv);
    }
    pharos::cli::clear_client_variables();
    const auto parsed = pharos::app::parse_options(argc, argv);
    if (const auto* message = std::get_if<pharos::app::Message>(&parsed)) {
        std::fputs(message->text.c_str(), message->exit_code == 0 ? stdout : stderr);
        return message->exit_code;
    }
    return run_server(std::get<pharos::app::ServerOptions>(parsed), began);
}
