#include <gtest/gtest.h>

#include "plugin/service_registry.hpp"

namespace pharos::plugin {
namespace {

struct Checker {
    static constexpr std::string_view kInterface = "test.Checker/1";
};

TEST(ServiceRegistry, FindsByPropertiesAndForgetsWithTheRegistration) {
    ServiceRegistry registry;
    const auto ledger = std::make_shared<Ledger>();
    ProviderView view(registry, "health", {"test.Checker/1"}, *ledger);
    Checker tcp;
    Checker http;
    auto first = view.provide(tcp, {{"type", "tcp"}});
    auto second = view.provide(http, {{"type", "http"}});
    ASSERT_TRUE(first && second);
    EXPECT_EQ(view.find<Checker>(), &tcp);
    EXPECT_EQ(view.find<Checker>({{"type", "http"}}), &http);
    EXPECT_EQ(view.find<Checker>({{"type", "none"}}), nullptr);
    EXPECT_EQ(view.all<Checker>().size(), 2u);
    first.value().reset();
    EXPECT_EQ(view.find<Checker>(), &http);
}

TEST(ServiceRegistry, RefusesDoublesAndWhatTheDescriptorDoesNotList) {
    ServiceRegistry registry;
    const auto ledger = std::make_shared<Ledger>();
    ProviderView view(registry, "health", {"test.Checker/1"}, *ledger);
    ProviderView stranger(registry, "other", {}, *ledger);
    Checker checker;
    auto kept = view.provide(checker, {{"type", "tcp"}});
    EXPECT_EQ(view.provide(checker, {{"type", "tcp"}}).error().code(), spi::Code::kConflict);
    EXPECT_EQ(stranger.provide(checker).error().message(),
              "plugin 'other' provides test.Checker/1, which its descriptor does not list");
}

TEST(ServiceRegistry, WhatALedgerHoldsCanBeTakenBackWithoutThePlugin) {
    ServiceRegistry registry;
    const auto ledger = std::make_shared<Ledger>();
    ProviderView view(registry, "health", {"test.Checker/1"}, *ledger);
    Checker checker;
    auto kept = view.provide(checker);
    ASSERT_TRUE(kept);
    ledger->close();
    EXPECT_EQ(view.find<Checker>(), nullptr);
    EXPECT_EQ(view.provide(checker).error().message(), "the plugin is left out");
    EXPECT_EQ(view.find<Checker>(), nullptr);
    kept.value().reset();  // finds nothing left to do
}

}  // namespace
}  // namespace pharos::plugin
