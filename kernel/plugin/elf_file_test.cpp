#include "plugin/elf_file.hpp"

#include <gtest/gtest.h>

#include "plugin/elf_test_support.hpp"
#include "plugin/own_copies.hpp"

namespace pharos::plugin {
namespace {

std::string error_of(const std::string& bytes) {
    const auto file = ElfFile::read(bytes);
    return file ? std::string() : file.error().message();
}

TEST(ElfFile, TellsWhatAFileIsNot) {
    EXPECT_EQ(error_of(""), "is empty");
    EXPECT_EQ(error_of("#!/bin/sh\n"), "is no shared library (not an ELF file)");
    EXPECT_EQ(error_of("\x7f"
                       "ELF"),
              "is truncated: it ends within its header");
    PluginImage image;
    image.machine = EM_386;
    EXPECT_NE(error_of(image.build()).find("is built for i386; this server runs on "), std::string::npos);
    std::string bytes = PluginImage().build();
    bytes[offsetof(Elf64_Ehdr, e_type)] = ET_EXEC;
    EXPECT_EQ(error_of(bytes), "is no shared library but a program or an object file");
    bytes = PluginImage().build();
    bytes[EI_CLASS] = ELFCLASS32;
    EXPECT_NE(error_of(bytes).find(", 32 bits; this server runs on "), std::string::npos);
}

TEST(ElfFile, EveryTruncationIsSeen) {
    const std::string bytes = PluginImage().build();
    ASSERT_EQ(error_of(bytes), "");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_NE(error_of(bytes.substr(0, size)), "") << size;
    }
    EXPECT_EQ(error_of(bytes.substr(0, bytes.size() - 1)),
              "is truncated: a segment ends after the file's " + std::to_string(bytes.size() - 1) + " bytes");
}

TEST(ElfFile, ReadsWhatTheLinkerDid) {
    const std::string bytes = PluginImage().build();
    const auto file = ElfFile::read(bytes);
    ASSERT_TRUE(file);
    EXPECT_FALSE(file.value().wants_executable_stack());
    EXPECT_TRUE(file.value().is_nodelete());
    EXPECT_TRUE(file.value().binds_now());
    EXPECT_FALSE(file.value().has_relro());
    ASSERT_EQ(file.value().exported().size(), 1u);
    EXPECT_EQ(file.value().exported()[0].name, "pharos_plugin");
    PluginImage image;
    image.stack_flags = PF_R | PF_W | PF_X;
    const std::string executable = image.build();
    EXPECT_TRUE(ElfFile::read(executable).value().wants_executable_stack());
    image.stack_flags.reset();  // says nothing, which means yes
    const std::string silent = image.build();
    EXPECT_TRUE(ElfFile::read(silent).value().wants_executable_stack());
}

TEST(OwnCopies, AreFoundByWhatIsAlwaysInThem) {
    const auto copies_with = [](std::string more) {
        PluginImage image;
        image.more = std::move(more);
        const std::string bytes = image.build();
        const std::vector<std::string> found = find_own_copies(ElfFile::read(bytes).value());
        return found.empty() ? std::string() : found.size() == 1 ? found.front() : "several";
    };
    EXPECT_EQ(copies_with("nothing"), "");
    EXPECT_NE(copies_with("\n\x18nacos_grpc_service.proto").find("the wire's .proto"), std::string::npos);
    EXPECT_NE(copies_with("\x12\x08.Payload\x1a\x08.Payload").find("the wire's .proto"), std::string::npos);
    EXPECT_NE(copies_with("\n google/protobuf/descriptor.proto").find("its own copy of protobuf"), std::string::npos);
    // An import of it, in a .proto of the plugin's own, is no copy.
    EXPECT_EQ(copies_with("\x1a google/protobuf/descriptor.proto"), "");
    EXPECT_NE(copies_with("./src/core/lib/surface/call.cc").find("its own copy of gRPC"), std::string::npos);
    EXPECT_NE(copies_with("N5boost4asio6detail15win_thing_mutexE").find("its own copy of Asio"), std::string::npos);
    EXPECT_NE(copies_with("logger with name '").find("its own copy of spdlog"), std::string::npos);
}

}  // namespace
}  // namespace pharos::plugin
