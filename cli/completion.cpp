#include "cli/completion.hpp"

#include <algorithm>

#include "cli/text.hpp"

namespace pharos::cli {

namespace {

constexpr std::string_view kBash = R"(# bash completion of pharos: source <(pharos completion bash)
_pharos() {
    local line=${COMP_LINE:0:COMP_POINT} candidate full prefix= break
    local -a words
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    full=${words[${#words[@]} - 1]}
    # Readline takes only what stands after a word break for the word that is completed.
    for break in : =; do
        if [[ $COMP_WORDBREAKS == *"$break"* && $full == *"$break"* ]]; then
            local head=${full%"${full##*"$break"}"}
            ((${#head} > ${#prefix})) && prefix=$head
        fi
    done
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        if [[ $candidate == :files ]]; then
            compopt -o filenames 2>/dev/null
            while read -r candidate; do
                COMPREPLY+=("$candidate")
            done < <(compgen -f -- "${full#"$prefix"}")
        else
            COMPREPLY+=("${candidate#"$prefix"}")
        fi
    done < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
}
complete -F _pharos pharos
)";

constexpr std::string_view kZsh = R"(#compdef pharos
# zsh completion of pharos: source <(pharos completion zsh)
_pharos() {
    local line
    local -a candidates
    for line in "${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        if [[ $line == ':files' ]]; then
            _files
        elif [[ -n $line ]]; then
            candidates+=("${${line%%$'\t'*}//:/\\:}:${${(M)line:#*$'\t'*}#*$'\t'}")
        fi
    done
    (( $#candidates )) && _describe 'pharos' candidates
}
if [[ ${funcstack[1]} == _pharos ]]; then
    _pharos "$@"
else
    compdef _pharos pharos
fi
)";

constexpr std::string_view kFish = R"(# fish completion of pharos: pharos completion fish | source
function __pharos_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
        if test "$line" = ':files'
            __fish_complete_path "$current"
        else
            echo $line
        end
    end
end
complete -c pharos -f -a '(__pharos_complete)'
)";

bool is_flag(const CLI::Option& option) { return option.get_items_expected_max() == 0; }

bool has_name(const CLI::Option& option, std::string_view word) {
    const auto in = [](const std::vector<std::string>& names, std::string_view name) {
        return std::find(names.begin(), names.end(), name) != names.end();
    };
    return word.starts_with("--") ? in(option.get_lnames(), word.substr(2))
                                  : word.size() == 2 && in(option.get_snames(), word.substr(1));
}

const CLI::Option* find_option(const CLI::App& command, std::string_view word) {
    for (const CLI::Option* option : command.get_options()) {
        if (has_name(*option, word)) {
            return option;
        }
    }
    return nullptr;
}

const CLI::App* find_command(const CLI::App& parent, const std::string& name) {
    for (const CLI::App* command : parent.get_subcommands({})) {
        if (command->get_name() == name) {
            return command;
        }
    }
    return nullptr;
}

/// The positional that the next word would go to; the last one takes all further words if it takes several.
const CLI::Option* next_positional(const CLI::App& command, std::size_t given) {
    const CLI::Option* last = nullptr;
    for (const CLI::Option* option : command.get_options()) {
        if (!option->get_positional()) {
            continue;
        }
        last = option;
        if (given == 0) {
            return option;
        }
        --given;
    }
    return last != nullptr && last->get_items_expected_max() > 1 ? last : nullptr;
}

std::string name_of(const CLI::Option& option) {
    return option.get_positional() && option.get_lnames().empty() ? option.get_name(true)
                                                                  : "--" + option.get_lnames().front();
}

std::vector<std::string> values_of(const CLI::App& command, const CLI::Option& option, const Typed& typed,
                                   const NameSource& names) {
    const std::string name = name_of(option);
    const std::string parent = command.get_parent() == nullptr ? std::string() : command.get_parent()->get_name();
    if (name == "--type") {
        return config_types();
    }
    if (name == "SHELL") {
        return {"bash", "fish", "zsh"};
    }
    if (name == "--file" || name == "--output" || name == "--config" || name == "--data" || name == "--dir" ||
        name == "FILE" || name == "DIR") {
        return {std::string(kFiles)};
    }
    if (name == "--namespace" || name == "NAMESPACE") {
        // The id of a new one is nobody's yet.
        return command.get_name() == "create" ? std::vector<std::string>{} : names(NameKind::kNamespace, typed);
    }
    if (name == "DATA_ID" || (name == "PATTERN" && parent == "config")) {
        return names(NameKind::kConfig, typed);
    }
    if (name == "SERVICE" || (name == "PATTERN" && parent == "service")) {
        return names(NameKind::kService, typed);
    }
    if (name == "PLUGIN") {
        std::vector<std::string> plugins = names(NameKind::kPlugin, typed);
        plugins.emplace_back(kFiles);
        return plugins;
    }
    if (name == "ADDRESS" && command.get_name() == "deregister") {
        return names(NameKind::kInstance, typed);
    }
    return {};
}

}  // namespace

std::vector<Candidate> complete(const CLI::App& root, const std::vector<std::string>& words, const NameSource& names) {
    if (words.empty()) {
        return {};
    }
    const CLI::App* command = &root;
    const CLI::Option* awaits_value = nullptr;
    std::size_t positionals = 0;
    Typed typed;
    // `pharos help config get` is completed as `pharos config get`.
    const bool is_help = words.front() == "help" && words.size() > 1;
    for (std::size_t i = is_help ? 1 : 0; i + 1 < words.size(); ++i) {
        const std::string& word = words[i];
        if (awaits_value != nullptr) {
            typed.emplace_back(name_of(*awaits_value), word);
            awaits_value = nullptr;
        } else if (word.starts_with('-') && word.size() > 1) {
            const std::size_t equals = word.find('=');
            const CLI::Option* option = find_option(*command, word.substr(0, equals));
            if (option != nullptr && equals != std::string::npos) {
                typed.emplace_back(name_of(*option), word.substr(equals + 1));
            } else if (option != nullptr && !is_flag(*option)) {
                awaits_value = option;
            }
        } else if (const CLI::App* next = find_command(*command, word)) {
            command = next;
        } else {
            if (const CLI::Option* option = next_positional(*command, positionals)) {
                typed.emplace_back(name_of(*option), word);
            }
            ++positionals;
        }
    }

    const std::string& current = words.back();
    std::vector<Candidate> found;
    const auto offer = [&](const std::string& text, const std::string& help, const std::string& head = {}) {
        if (text == kFiles) {
            found.push_back({text, {}});
        } else if ((head + text).starts_with(current)) {
            found.push_back({head + text, help.substr(0, help.find('\n'))});
        }
    };
    const auto offer_values = [&](const CLI::Option& option, const std::string& head) {
        for (const std::string& value : values_of(*command, option, typed, names)) {
            offer(value, {}, head);
        }
    };
    if (awaits_value != nullptr) {
        offer_values(*awaits_value, {});
        return found;
    }
    if (current.starts_with("--") && current.find('=') != std::string::npos) {
        const std::string head = current.substr(0, current.find('=') + 1);
        if (const CLI::Option* option = find_option(*command, head.substr(0, head.size() - 1))) {
            offer_values(*option, head);
        }
        return found;
    }
    if (current.starts_with('-')) {
        for (const CLI::Option* option : command->get_options()) {
            for (const std::string& name : option->get_lnames()) {
                offer("--" + name, option->get_description());
            }
        }
        return found;
    }
    for (const CLI::App* next : command->get_subcommands({})) {
        offer(next->get_name(), next->get_description());
    }
    if (command == &root && !is_help) {
        offer("help", "Shows the help of a command.");
    }
    if (const CLI::Option* option = is_help ? nullptr : next_positional(*command, positionals)) {
        offer_values(*option, {});
    }
    return found;
}

std::string_view completion_script(std::string_view shell) noexcept {
    return shell == "bash" ? kBash : shell == "zsh" ? kZsh : shell == "fish" ? kFish : std::string_view();
}

}  // namespace pharos::cli
