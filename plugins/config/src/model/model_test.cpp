#include <gmock/gmock.h>

#include "history/row.hpp"
#include "listen/polling_format.hpp"
#include "model/key.hpp"
#include "model/pattern.hpp"
#include "model/record.hpp"
#include "model/rules.hpp"

namespace pharos::config {
namespace {

using namespace std::string_literals;
using ::testing::HasSubstr;

TEST(Key, BlankNamespaceIsPublic) {
    EXPECT_EQ(make_key("", "G", "d").store_key(), "config/public\0G\0d"s);
    EXPECT_EQ(make_key("  ", "G", "d"), make_key("public", " G ", " d "));
    EXPECT_EQ(make_key("null", "G", "d").namespace_id, "null");  // a namespace like others in 3.x
}

TEST(Key, ReadsItsStoreKey) {
    const ConfigKey key = make_key("dev", "DEFAULT_GROUP", "a.b:c-d");
    EXPECT_EQ(ConfigKey::parse(key.store_key()), key);
    EXPECT_FALSE(ConfigKey::parse("config/a\0b"s));
    EXPECT_FALSE(ConfigKey::parse("other/a\0b\0c"s));
    EXPECT_FALSE(ConfigKey::parse(""));
}

TEST(Key, TheLongestAllowedFitsTheStore) {
    const std::string key = make_key(std::string(64, 'n'), std::string(128, 'g'), std::string(256, 'd')).store_key();
    EXPECT_LE(key.size(), 480u);
    EXPECT_LE(change_key(key, 1).size(), 480u);
}

TEST(Key, OperatorsSeeItWithPlusSigns) {  // protocol/config.md §1.2
    EXPECT_EQ(make_key("", "G", "d").group_key(), "d+G+public");
    EXPECT_EQ((ConfigKey{"n", "a+b", "50%"}.group_key()), "50%25+a%2Bb+n");
}

ConfigRecord full_record() {
    ConfigRecord record;
    record.content = "k: v\r\n\xF0\x9F\x98\x80\0tail"s;
    record.md5 = md5_hex(record.content);
    record.type = "yaml";
    record.app_name = "app";
    record.tags = "x,y";
    record.description = "d";
    record.use = "u";
    record.effect = "e";
    record.schema = "s";
    record.encrypted_data_key = "key";
    record.source_user = "me";
    record.source_ip = "1.1.1.1";
    record.created_ms = 1795402327414;
    record.modified_ms = -1;
    record.id = 1234567890123;
    record.last_change = 99;
    return record;
}

TEST(Record, ComesBackAsItWas) {
    const ConfigRecord before = full_record();
    const std::optional<ConfigRecord> after = decode(encode(before));
    ASSERT_TRUE(after);
    EXPECT_EQ(encode(*after), encode(before));
    EXPECT_EQ(after->content, before.content);
    EXPECT_EQ(after->source_ip, "1.1.1.1");
    EXPECT_EQ(after->created_ms, before.created_ms);
    EXPECT_EQ(after->modified_ms, -1);
    EXPECT_EQ(after->id, 1234567890123u);
    EXPECT_EQ(after->last_change, 99u);
}

/// A text after its length, as stored values have it.
std::string stored_text(const std::string& text) { return std::string{static_cast<char>(text.size()), 0, 0, 0} + text; }

TEST(Record, ReadsVersion1) {  // docs/config.md, "Stored values", written by hand
    const std::string bytes = "\x01"s + "\x01\0\0\0\0\0\0\0"s + "\x02\x01\0\0\0\0\0\0"s +
                              stored_text("5d41402abc4b2a76b9719d911017c592") + stored_text("yaml") +
                              stored_text("app") + stored_text("a,b") + stored_text("d") + stored_text("u") +
                              stored_text("e") + stored_text("s") + stored_text("k") + stored_text("me") +
                              stored_text("1.1.1.1") + stored_text("hello");
    const std::optional<ConfigRecord> record = decode(bytes);
    ASSERT_TRUE(record);
    EXPECT_EQ(record->created_ms, 1);
    EXPECT_EQ(record->modified_ms, 258);
    EXPECT_EQ(record->md5, "5d41402abc4b2a76b9719d911017c592");
    EXPECT_EQ(record->type, "yaml");
    EXPECT_EQ(record->app_name, "app");
    EXPECT_EQ(record->tags, "a,b");
    EXPECT_EQ(record->description, "d");
    EXPECT_EQ(record->use, "u");
    EXPECT_EQ(record->effect, "e");
    EXPECT_EQ(record->schema, "s");
    EXPECT_EQ(record->encrypted_data_key, "k");
    EXPECT_EQ(record->source_user, "me");
    EXPECT_EQ(record->source_ip, "1.1.1.1");
    EXPECT_EQ(record->content, "hello");
    EXPECT_EQ(record->last_change, 0u);
    EXPECT_EQ(id_of(*record, 77), 77u);  // the revision that it is stored at
}

TEST(Record, Version2AsDocumented) {
    ConfigRecord record;
    record.created_ms = 1;
    record.modified_ms = 258;
    record.id = 7;
    record.last_change = 9;
    record.md5 = "m";
    record.content = "c";
    const std::string empty = stored_text("");
    EXPECT_EQ(encode(record), "\x02"s + "\x01\0\0\0\0\0\0\0"s + "\x02\x01\0\0\0\0\0\0"s + "\x07\0\0\0\0\0\0\0"s +
                                  "\x09\0\0\0\0\0\0\0"s + stored_text("m") + empty + empty + empty + empty + empty +
                                  empty + empty + empty + empty + empty + stored_text("c"));
    EXPECT_EQ(id_of(record, 77), 7u);
}

TEST(LikePattern, SignsStandForText) {  // protocol/config.md §10 trap 21
    const auto matches = [](std::string_view pattern, std::string_view text) {
        return LikePattern(pattern).matches(text);
    };
    EXPECT_TRUE(matches("a.yaml", "a.yaml"));
    EXPECT_FALSE(matches("a.yaml", "a.yaml2"));
    EXPECT_FALSE(matches("a.yaml", "A.yaml"));
    EXPECT_TRUE(matches("*", ""));
    EXPECT_TRUE(matches("a*", "a"));
    EXPECT_TRUE(matches("*.yaml", "x.yaml.yaml"));
    EXPECT_TRUE(matches("%app%", "my-app-1"));
    EXPECT_FALSE(matches("*app", "app-1"));
    EXPECT_TRUE(matches("a*b*c", "a-b-b-c"));
    EXPECT_FALSE(matches("a*b*c", "a-c-b"));
    EXPECT_FALSE(matches("ab*ba", "aba"));  // the ends do not overlap
    EXPECT_TRUE(matches("a_c", "abc"));
    EXPECT_TRUE(matches("a_c",
                        "a\xC3\xA4"
                        "c"));  // one character
    EXPECT_FALSE(matches("a_c", "ac"));
    EXPECT_TRUE(matches("*_b*", "xxb"));
    EXPECT_TRUE(matches("*a_", "aaxa1"));
    EXPECT_FALSE(matches("*a_", "a"));
    EXPECT_TRUE(matches("*line 1\nline*", "0\nline 1\nline 2"));
}

TEST(LikePattern, OnlyTheSignsThatAreAskedFor) {
    EXPECT_FALSE(LikePattern("ns_1", LikePattern::Signs::kStar).matches("nsx1"));
    EXPECT_FALSE(LikePattern("n%", LikePattern::Signs::kStar).matches("ns"));
    EXPECT_TRUE(LikePattern("n*", LikePattern::Signs::kStar).matches("ns"));
    EXPECT_TRUE(LikePattern("a*_%", LikePattern::Signs::kNone).matches("a*_%"));
    EXPECT_FALSE(LikePattern("a*", LikePattern::Signs::kNone).matches("ab"));
    EXPECT_TRUE(LikePattern("a_*", LikePattern::Signs::kNone).is_exact());
    EXPECT_TRUE(LikePattern("a_", LikePattern::Signs::kStar).is_exact());
    EXPECT_FALSE(LikePattern("a_").is_exact());
}

TEST(LikePattern, ManySignsAreNotSlow) {
    std::string pattern;
    for (int i = 0; i < 50; ++i) {
        pattern += "a*";
    }
    EXPECT_FALSE(LikePattern(pattern + "b").matches(std::string(100'000, 'a')));
}

TEST(Record, RefusesWhatIsCutLongerOrNewer) {
    const std::string bytes = encode(full_record());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(decode(std::string_view(bytes).substr(0, size))) << size;
    }
    EXPECT_FALSE(decode(bytes + "x"));
    std::string newer = bytes;
    newer[0] = 3;
    EXPECT_FALSE(decode(newer));
    std::string huge = bytes;
    huge[33] = huge[34] = huge[35] = huge[36] = '\xFF';
    EXPECT_FALSE(decode(huge));
}

TEST(Record, Md5AsEverywhere) {
    EXPECT_EQ(md5_hex("hello"), "5d41402abc4b2a76b9719d911017c592");  // protocol/config.md §3.9
    EXPECT_EQ(md5_hex(""), "d41d8cd98f00b204e9800998ecf8427e");
}

TEST(Record, KnownTypesOnly) {
    EXPECT_EQ(normalised_type("yaml"), "yaml");
    EXPECT_EQ(normalised_type("unset"), "unset");
    EXPECT_EQ(normalised_type("YAML"), "text");
    EXPECT_EQ(normalised_type(""), "text");
}

TEST(Rules, NamesOfTheChecker) {
    EXPECT_FALSE(check_names("", "G", "a.b_c:d-e"));
    EXPECT_EQ(check_names("", "G", std::string(257, 'a')),
              "Param 'dataId' is illegal, the param length should not exceed 256.");
    EXPECT_EQ(check_names("", "G", "a/b"),
              "Param 'dataId' is illegal, illegal characters should not appear in the param.");
    EXPECT_THAT(*check_names("", "a b", "d"), HasSubstr("Param 'group'"));
    EXPECT_THAT(*check_names(std::string(65, 'n'), "G", "d"), HasSubstr("Param 'namespaceId/tenant'"));
}

Publish publish_of(std::string content) {
    Publish publish;
    publish.key = make_key("", "G", "d");
    publish.content = std::move(content);
    return publish;
}

TEST(Rules, ContentIsThereAndNotTooLong) {
    EXPECT_EQ(check_publish(publish_of("")), "content is blank : ");
    EXPECT_EQ(check_publish(publish_of(" \n")), "content is blank : ");
    EXPECT_FALSE(check_publish(publish_of(std::string(10'485'760, 'a'))));
    EXPECT_EQ(check_publish(publish_of(std::string(10'485'761, 'a'))), "invalid content, over 10485760");
    std::string wide;  // 2 bytes, 1 unit each
    for (int i = 0; i < 6'000'000; ++i) {
        wide += "\xC3\xA4";
    }
    EXPECT_FALSE(check_publish(publish_of(wide)));
    std::string pairs;  // 4 bytes, 2 units each
    for (int i = 0; i < 5'242'880; ++i) {
        pairs += "\xF0\x9F\x98\x80";
    }
    EXPECT_FALSE(check_publish(publish_of(pairs)));
    EXPECT_EQ(check_publish(publish_of(pairs + "a")), "invalid content, over 10485760");
    Publish nameless = publish_of("c");
    nameless.key.data_id.clear();
    EXPECT_EQ(check_publish(nameless), "invalid dataId : ");
}

TEST(Rules, LimitsOfTheOtherFields) {
    Publish publish = publish_of("c");
    publish.tags = "a,b,c,d,e";
    EXPECT_FALSE(check_publish(publish));
    publish.tags = "a,b,c,d,e,f";
    EXPECT_EQ(check_publish(publish), "too much config_tags, over 5");
    publish.tags = std::string(65, 't');
    EXPECT_EQ(check_publish(publish), "too long tag, over 64");
    publish.tags = "";
    publish.description = std::string(129, 'd');
    EXPECT_EQ(check_publish(publish), "too long desc, over 128");
    publish.description.clear();
    publish.schema = std::string(32769, 's');
    EXPECT_EQ(check_publish(publish), "too long schema, over 32768");
}

TEST(PollingFormat, ReadsBothKindsOfLines) {
    const ParsedListening parsed = parse_listening(
        "a.json\x02G1\x02md\x02public\x01"
        "b\x02G2\x02\x01"
        "cut\x02off", 10'000);
    EXPECT_EQ(parsed.error, "");
    ASSERT_EQ(parsed.entries.size(), 2u);
    EXPECT_EQ(parsed.entries[0].tenant, "public");
    EXPECT_EQ(parsed.entries[0].md5, "md");
    EXPECT_EQ(parsed.entries[1].data_id, "b");
    EXPECT_EQ(parsed.entries[1].tenant, "");
    EXPECT_EQ(parsed.entries[1].md5, "");
}

TEST(PollingFormat, DecodesOnceMore) {
    const ParsedListening parsed = parse_listening("a%02G%02%01", 10'000);
    ASSERT_EQ(parsed.entries.size(), 1u);
    EXPECT_EQ(parsed.entries[0].group, "G");
}

TEST(PollingFormat, RefusesBlankOverlongAndTooMany) {
    EXPECT_EQ(parse_listening("", 10'000).error, "invalid probeModify");
    EXPECT_EQ(parse_listening(" ", 10'000).error, "invalid probeModify");
    EXPECT_EQ(parse_listening("a\x02g\x02m\x02t\x02x\x01", 10'000).error, "invalid probeModify");
    std::string lines;
    for (int i = 0; i < 10'000; ++i) {
        lines += "d" + std::to_string(i) + "\x02g\x02\x01";
    }
    EXPECT_EQ(parse_listening(lines, 10'000).entries.size(), 10'000u);
    EXPECT_EQ(parse_listening(lines + "more\x02g\x02\x01", 10'000).error,
              "invalid probeModify: it has more than 10000 configs (config.max_listened)");
}

TEST(PollingFormat, WritesTheObservedAnswer) {
    std::string body;
    append_changed(body, {"a.json", "G1", "public", "x"});
    EXPECT_EQ(body, "a.json%02G1%02public%01");  // protocol/config.md §2.4
    body.clear();
    append_changed(body, {"a:b", "G1", "", "x"});
    EXPECT_EQ(body, "a%3Ab%02G1%01");
}

TEST(PollingFormat, VersionsAsNumbers) {
    EXPECT_EQ(version_number("2.0.4"), 204);
    EXPECT_EQ(version_number(""), 200);
    EXPECT_EQ(version_number("1.4.2"), 142);
    EXPECT_EQ(version_number("Nacos-Java-Client:v2"), 200);
}

}  // namespace
}  // namespace pharos::config
