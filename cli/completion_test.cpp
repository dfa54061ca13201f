#include "cli/completion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/commands.hpp"

namespace pharos::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

class Completion : public testing::Test {
protected:
    Completion() {
        add_config_commands(commands_);
        add_service_commands(commands_);
        add_instance_commands(commands_);
        add_namespace_commands(commands_);
        add_plugin_commands(commands_);
        add_completion_command(commands_);
    }

    std::vector<std::string> after(const std::vector<std::string>& words) {
        std::vector<std::string> texts;
        for (const Candidate& candidate : complete(root_, words, [this](NameKind kind, const Typed&typed) {
                 asked_ = kind;
                 typed_ = typed;
                 return names_;
             })) {
            texts.push_back(candidate.text);
        }
        return texts;
    }

    CLI::App root_{"", "pharos"};
    Commands commands_{root_};
    std::vector<std::string> names_{"app.yaml", "app:one", "web.yaml"};
    NameKind asked_{};
    Typed typed_;
};

TEST_F(Completion, Commands) {
    EXPECT_THAT(after({""}), ElementsAre("config", "service", "instance", "namespace", "plugin", "completion", "help"));
    EXPECT_THAT(after({"co"}), ElementsAre("config", "completion"));
    EXPECT_THAT(after({"config", ""}), ElementsAre("get", "set", "ls", "rm", "log", "watch"));
    EXPECT_THAT(after({"help", "config", "l"}), ElementsAre("ls", "log"));
    EXPECT_THAT(after({"nonsense", ""}), Not(Contains("get")));
}

TEST_F(Completion, Flags) {
    EXPECT_THAT(after({"config", "get", "--me"}), ElementsAre("--meta"));
    EXPECT_THAT(
        after({"config", "set", "--"}),
        testing::IsSupersetOf({"--help", "--file", "--type", "--cas", "--desc", "--tags", "--app", "--namespace",
                               "--group", "--server", "--user", "--password", "--token", "--json"}));
    EXPECT_THAT(after({"config", "get", "x", "--j"}), ElementsAre("--json"));
}

TEST_F(Completion, Values) {
    EXPECT_THAT(after({"config", "set", "x", "--type", "y"}), ElementsAre("yaml"));
    EXPECT_THAT(after({"config", "set", "x", "--type=y"}), ElementsAre("--type=yaml"));
    EXPECT_THAT(after({"config", "set", "x", "-f", "/et"}), ElementsAre(std::string(kFiles)));
    EXPECT_THAT(after({"completion", ""}), ElementsAre("bash", "fish", "zsh"));
    EXPECT_THAT(after({"config", "get", "x", "--server", ""}), IsEmpty());
}

TEST_F(Completion, NamesOfTheServer) {
    EXPECT_THAT(after({"config", "get", "-n", "dev", "--group", "G", "--json", "app"}),
                ElementsAre("app.yaml", "app:one"));
    EXPECT_EQ(asked_, NameKind::kConfig);
    EXPECT_THAT(typed_, ElementsAre(std::pair("--namespace", "dev"), std::pair("--group", "G")));

    EXPECT_THAT(after({"config", "get", "app.yaml", ""}), IsEmpty()) << "it takes one";
    EXPECT_THAT(after({"config", "watch", "app.yaml", "w"}), ElementsAre("web.yaml")) << "it takes several";
    after({"instance", "deregister", "orders", ""});
    EXPECT_EQ(asked_, NameKind::kInstance);
    EXPECT_THAT(typed_, ElementsAre(std::pair("SERVICE", "orders")));
    after({"service", "show", ""});
    EXPECT_EQ(asked_, NameKind::kService);
    after({"config", "get", "-n", ""});
    EXPECT_EQ(asked_, NameKind::kNamespace);
    EXPECT_THAT(after({"namespace", "create", ""}), IsEmpty());
}

TEST_F(Completion, ScriptsAreThereForThreeShells) {
    EXPECT_NE(completion_script("bash").find("complete -F _pharos pharos"), std::string_view::npos);
    EXPECT_NE(completion_script("zsh").find("compdef _pharos pharos"), std::string_view::npos);
    EXPECT_NE(completion_script("fish").find("complete -c pharos"), std::string_view::npos);
    EXPECT_EQ(completion_script("csh"), "");
}

TEST_F(Completion, PluginsByNameOrFile) {
    EXPECT_THAT(after({"plugin", ""}), ElementsAre("ls", "info"));
    EXPECT_THAT(after({"plugin", "info", "app.y"}), ElementsAre("app.yaml", std::string(kFiles)));
    EXPECT_EQ(asked_, NameKind::kPlugin);
    EXPECT_THAT(after({"plugin", "ls", "--dir", ""}), ElementsAre(std::string(kFiles)));
}

}  // namespace
}  // namespace pharos::cli
