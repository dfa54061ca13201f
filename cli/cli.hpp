#pragma once

namespace pharos::cli {

/// Runs a command of the command line other than `server` and gives the exit code: 0 all is well, 1 the server said no
/// or can't be reached, 2 wrong usage, 3 what was named is not there. An error is one line on standard error.
[[nodiscard]] int run(int argc, const char* const* argv);

/// Takes the variables of the client commands (PHAROS_SERVER, PHAROS_USER …) out of the environment, so that a server
/// that is started beside them does not take them for settings. Before any thread exists.
void clear_client_variables();

}  // namespace pharos::cli
