#include <memory>

#include "cli/commands.hpp"
#include "cli/completion.hpp"
#include "cli/console.hpp"

namespace pharos::cli {

void add_completion_command(Commands& commands) {
    const auto shell = std::make_shared<std::string>();
    CLI::App& command =
        commands.add(commands.root(), "completion", "Prints a script that makes a shell complete pharos.",
                     "completion bash > /etc/bash_completion.d/pharos", [shell]() -> spi::Status {
                         print(completion_script(*shell));
                         return {};
                     });
    command.add_option("SHELL", *shell, "bash, zsh or fish.")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
}

}  // namespace pharos::cli
