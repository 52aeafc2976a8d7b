#include "checkpoint/formats/pickle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "fovea/error.hpp"
#include "support/pickle_writer.hpp"

namespace fovea {
namespace {

namespace pickle = test::pickle;
using testing::HasSubstr;
using Kind = PickleValue::Kind;
using GlobalRole = PickleGlobal::Role;

constexpr std::array<PickleGlobal, 5> kGlobals{{{"lib.make", GlobalRole::kFunction},
                                                {"mod.*", GlobalRole::kObject},
                                                {"lib.Type", GlobalRole::kReference},
                                                {"lib.Dict", GlobalRole::kDict},
                                                {"lib.Thing", GlobalRole::kOpaque}}};

Pickle read(const std::string& bytes) {
  return read_pickle(std::as_bytes(std::span(bytes)), kGlobals, "x.pth: member 'x/data.pkl'");
}

std::string pickle_refusal(const std::string& bytes) {
  try {
    static_cast<void>(read(bytes));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCheckpoint);
    EXPECT_FALSE(error.hint().empty());
    EXPECT_THAT(error.what(), testing::StartsWith("x.pth: member 'x/data.pkl' "));
    return error.what();
  }
  return "accepted";
}

/// Protocol 4 where opcodes need it.
std::string new_whole(const std::string& value) {
  return "\x80\x04" + value + ".";
}

TEST(Pickle, DescribesPlainValues) {
  const std::string bytes = pickle::whole(pickle::tuple(
      {pickle::integer(-5), "K\xFF", "M\x34\x12", "J\xFE\xFF\xFF\xFF", "N", "\x88", "\x89", pickle::string("caf\u00e9"),
       pickle::list({"K\1", "K\2"}), pickle::dict({{pickle::string("k"), "N"}}), "G@\t!\xFBTD-\x18"}));
  const Pickle read_back = read(bytes);
  const PickleValue& tuple = read_back[read_back.root];
  ASSERT_EQ(tuple.kind, Kind::kTuple);
  ASSERT_EQ(tuple.elements.size(), 11U);
  const auto at = [&](std::size_t i) -> const PickleValue& { return read_back[tuple.elements[i]]; };
  EXPECT_EQ(at(0).integer, -5);
  EXPECT_EQ(at(1).integer, 255);
  EXPECT_EQ(at(2).integer, 0x1234);
  EXPECT_EQ(at(3).integer, -2);
  EXPECT_EQ(at(4).kind, Kind::kNone);
  EXPECT_EQ(at(5).kind, Kind::kBool);
  EXPECT_EQ(at(5).integer, 1);
  EXPECT_EQ(at(6).integer, 0);
  EXPECT_EQ(at(7).text, "caf\u00e9");
  EXPECT_EQ(at(8).elements.size(), 2U);
  EXPECT_EQ(at(9).kind, Kind::kDict);
  EXPECT_EQ(at(9).elements.size(), 2U);
  EXPECT_EQ(at(10).kind, Kind::kNumber);
}

TEST(Pickle, ReadsLongIntegersOfEveryLength) {
  const std::pair<std::string, std::int64_t> cases[] = {{std::string("\x8a\0", 2), 0},
                                                        {"\x8a\x01\x7F", 127},
                                                        {"\x8a\x01\x80", -128},
                                                        {std::string("\x8a\x02\x80\0", 4), 128},
                                                        {"\x8a\x03\xFF\xFF\xFF", -1}};
  for (const auto& [bytes, expected] : cases) {
    const Pickle read_back = read(pickle::whole(bytes));
    EXPECT_EQ(read_back[read_back.root].kind, Kind::kInt);
    EXPECT_EQ(read_back[read_back.root].integer, expected);
  }
  const Pickle big = read(pickle::whole("\x8a\x09" + std::string(9, '\x11')));
  EXPECT_EQ(big[big.root].kind, Kind::kNumber);
}

TEST(Pickle, WritesDownCallsInPlaceOfMakingThem) {
  const std::string call = pickle::call(pickle::global("lib", "make"), {"K\7"});
  for (const std::string& bytes : {pickle::whole(call), new_whole("\x8c\3lib\x8c\4make\x93K\7\x85R"),
                                   new_whole("\x8c\3lib\x8c\4make\x93K\7\x85\x81")}) {
    const Pickle read_back = read(bytes);
    const PickleValue& value = read_back[read_back.root];
    ASSERT_EQ(value.kind, Kind::kCall);
    EXPECT_EQ(read_back[value.elements[0]].text, "lib.make");
    EXPECT_EQ(read_back[read_back[value.elements[1]].elements[0]].integer, 7);
  }
}

TEST(Pickle, KeepsNothingOfOpaqueObjectsAndOfTheAttributesOfDicts) {
  const std::string thing = "clib\nThing\n)\x81" + pickle::dict({{pickle::string("lr"), "K\1"}}) + "b";
  const Pickle opaque = read(pickle::whole(thing));
  EXPECT_EQ(opaque[opaque.root].kind, Kind::kOpaque);
  EXPECT_TRUE(opaque[opaque.root].elements.empty());
  const std::string dict =
      "clib\nDict\n)R" + pickle::string("k") + "K\1s" + pickle::dict({{pickle::string("_m"), "N"}}) + "b";
  const Pickle ordered = read(pickle::whole(dict));
  EXPECT_EQ(ordered[ordered.root].kind, Kind::kDict);
  EXPECT_EQ(ordered[ordered.root].elements.size(), 2U);
}

TEST(Pickle, KeepsTheAttributesOfModules) {
  const std::string module =
      pickle::global("mod.a", "B") + ")\x81" + pickle::dict({{pickle::string("w"), "K\1"}}) + "b";
  const std::string whole = pickle::whole(module);  // texts are views into it
  const Pickle read_back = read(whole);
  const PickleValue& value = read_back[read_back.root];
  ASSERT_EQ(value.kind, Kind::kObject);
  ASSERT_EQ(value.elements.size(), 2U);
  EXPECT_EQ(read_back[value.elements[0]].text, "w");
  EXPECT_THAT(pickle_refusal(pickle::whole(pickle::global("mod.a", "B") + ")\x81Nb")), HasSubstr("expected a dict"));
  EXPECT_THAT(pickle_refusal(pickle::whole(pickle::call(pickle::global("mod.a", "B"), {"N"}))),
              HasSubstr("with arguments"));
  EXPECT_THAT(pickle_refusal(pickle::whole(pickle::global("mo", "d"))), HasSubstr("names mo.d"));
}

TEST(Pickle, TakesSetsAndBytesForObjectsAndOldStringsForText) {
  using namespace std::string_literals;
  for (const std::string& opaque : {"\x8f(K\1K\2\x90"s, "(K\1\x91"s, "C\2\xFF\0"s, "B\1\0\0\0\xFF"s,
                                    "\x8e\1\0\0\0\0\0\0\0\xFF"s, "\x96\1\0\0\0\0\0\0\0\xFF"s, "U\1\xFF"s}) {
    const std::string whole = new_whole(opaque);
    const Pickle read_back = read(whole);
    EXPECT_EQ(read_back[read_back.root].kind, Kind::kOpaque) << opaque;
  }
  for (const std::string& old : {"U\2ab"s, "T\2\0\0\0ab"s}) {
    const std::string whole = new_whole(old);
    const Pickle read_back = read(whole);
    EXPECT_EQ(read_back[read_back.root].text, "ab");
  }
  EXPECT_THAT(pickle_refusal(new_whole("](N\x90")), HasSubstr("has a list"));
}

TEST(Pickle, EndsWhereTheNextOneBeginsIfItIsReadAlone) {
  const std::string two = pickle::whole("K\1") + pickle::whole("K\2");
  std::size_t length = 0;
  const Pickle first = read_first_pickle(std::as_bytes(std::span(two)), kGlobals, "x", length);
  EXPECT_EQ(first[first.root].integer, 1);
  EXPECT_EQ(length, two.size() / 2);
}

TEST(Pickle, RemembersValuesAndSurvivesCircles) {
  // l = []; l.append(l); (l, l)
  const Pickle read_back = read(pickle::whole(std::string("]q\0h\0ah\0\x86", 9)));
  const PickleValue& pair = read_back[read_back.root];
  ASSERT_EQ(pair.elements.size(), 2U);
  EXPECT_EQ(pair.elements[0], pair.elements[1]);
  EXPECT_EQ(read_back[pair.elements[0]].elements[0], pair.elements[0]);
  EXPECT_EQ(pickle_refusal(new_whole(std::string("]\x94h\0\x86", 5))), "accepted");
  EXPECT_EQ(pickle_refusal(pickle::whole(std::string("]r\xFF\xFF\xFF\xFFj\xFF\xFF\xFF\xFF\x86", 12))), "accepted");
}

TEST(Pickle, SurvivesDeepNesting) {
  const std::string deep = 'N' + std::string(200'000, '\x85');
  EXPECT_EQ(pickle_refusal(pickle::whole(deep)), "accepted");
}

TEST(Pickle, RefusesEveryGlobalThatIsNotListedByItsName) {
  for (const auto& [module, function] : {std::pair<std::string, std::string>{"os", "system"},
                                         {"posix", "system"},
                                         {"builtins", "eval"},
                                         {"__builtin__", "eval"},
                                         {"builtins", "getattr"},
                                         {"subprocess", "Popen"},
                                         {"lib", "make2"},
                                         {"li", "b.make2"},
                                         {"", ""}}) {
    const std::string expected = "names " + module + "." + function + ", expected tensors";
    EXPECT_THAT(pickle_refusal(pickle::whole(pickle::call(pickle::global(module, function), {"K\1"}))),
                HasSubstr(expected));
    EXPECT_THAT(pickle_refusal(new_whole(pickle::string(module) + pickle::string(function) + "\x93")),
                HasSubstr(expected));
  }
}

TEST(Pickle, RefusesCallsAndStatesOfAnythingElse) {
  EXPECT_THAT(pickle_refusal(pickle::whole("clib\nType\n)R")), HasSubstr("calls lib.Type"));
  EXPECT_THAT(pickle_refusal(pickle::whole("clib\nDict\nN\x85R")), HasSubstr("calls lib.Dict with arguments"));
  EXPECT_THAT(pickle_refusal(pickle::whole("clib\nThing\nN\x85\x81")), HasSubstr("calls lib.Thing with arguments"));
  EXPECT_THAT(pickle_refusal(pickle::whole(pickle::string("eval") + ")R")), HasSubstr("calls a string"));
  EXPECT_THAT(pickle_refusal(pickle::whole("})R")), HasSubstr("calls a dict"));
  EXPECT_THAT(pickle_refusal(pickle::whole("clib\nmake\n}R")),
              HasSubstr("has a dict before byte 14, expected a tuple"));
  EXPECT_THAT(pickle_refusal(pickle::whole("]}b")), HasSubstr("sets the state (BUILD) of a list"));
  EXPECT_THAT(pickle_refusal(pickle::whole("clib\nmake\n)R}b")), HasSubstr("sets the state (BUILD) of a call"));
  EXPECT_THAT(pickle_refusal(pickle::whole("clib\nType\n}b")),
              HasSubstr("sets the state (BUILD) of a function or type"));
}

TEST(Pickle, RefusesEveryOtherOpcodeByItsName) {
  const std::pair<char, const char*> refused[] = {{'I', "INT"},
                                                  {'L', "LONG"},
                                                  {'\x8b', "LONG4"},
                                                  {'S', "STRING"},
                                                  {'\x97', "NEXT_BUFFER"},
                                                  {'\x98', "READONLY_BUFFER"},
                                                  {'V', "UNICODE"},
                                                  {'F', "FLOAT"},
                                                  {'l', "LIST"},
                                                  {'d', "DICT"},
                                                  {'0', "POP"},
                                                  {'2', "DUP"},
                                                  {'1', "POP_MARK"},
                                                  {'g', "GET"},
                                                  {'p', "PUT"},
                                                  {'\x82', "EXT1"},
                                                  {'\x83', "EXT2"},
                                                  {'\x84', "EXT4"},
                                                  {'i', "INST"},
                                                  {'o', "OBJ"},
                                                  {'\x92', "NEWOBJ_EX"},
                                                  {'P', "PERSID"}};
  for (const auto& [code, opcode] : refused) {
    EXPECT_THAT(pickle_refusal(pickle::whole(std::string{']', code})),
                HasSubstr("has opcode " + std::string(opcode) + " at byte 3, expected tensors"));
  }
  for (int code = 0; code < 256; ++code) {
    EXPECT_NE(pickle_refusal("\x80\x02" + std::string(1, static_cast<char>(code))), "accepted") << code;
  }
  EXPECT_THAT(pickle_refusal(pickle::whole("]\x99")), HasSubstr("has byte 0x99 at 3, expected a pickle's opcode"));
}

TEST(Pickle, RefusesProtocolsAndFramesThatItDoesNotKnow) {
  for (const char version : {'\0', '\1', '\6', '\xFF'}) {
    EXPECT_THAT(pickle_refusal(std::string("\x80") + version + "}."), HasSubstr("expected 2 to 5")) << int{version};
  }
  EXPECT_THAT(pickle_refusal("}."), HasSubstr("does not begin with its protocol"));
  EXPECT_EQ(pickle_refusal(new_whole('\x95' + test::little_endian(2, 8) + "}")), "accepted");
  EXPECT_THAT(pickle_refusal(new_whole('\x95' + test::little_endian(3, 8) + "}")), HasSubstr("has a frame of 3 bytes"));
}

TEST(Pickle, RefusesStacksThatDoNotWorkOut) {
  EXPECT_THAT(pickle_refusal("\x80\x02."), HasSubstr("empty stack"));
  EXPECT_THAT(pickle_refusal(pickle::whole("NN")), HasSubstr("leaves several values on the stack"));
  EXPECT_THAT(pickle_refusal(pickle::whole("N") + "N."), HasSubstr("goes on for 2 bytes after its end"));
  EXPECT_THAT(pickle_refusal(pickle::whole("}u")), HasSubstr("a mark that was never set"));
  EXPECT_THAT(pickle_refusal(pickle::whole("N(\x85")), HasSubstr("empty stack")) << "nothing below a mark may be taken";
  EXPECT_THAT(pickle_refusal(pickle::whole("}(Nu")), HasSubstr("half a pair"));
  EXPECT_THAT(pickle_refusal(pickle::whole("}Na")), HasSubstr("has a dict before byte 5, expected a list"));
  EXPECT_THAT(pickle_refusal(pickle::whole("]NNs")), HasSubstr("has a list before byte 6, expected a dict"));
  EXPECT_THAT(pickle_refusal(pickle::whole("h\7")), HasSubstr("reads memo entry 7"));
  EXPECT_THAT(pickle_refusal(new_whole("NN\x93")), HasSubstr("has a None before byte 5, expected a string"));
  EXPECT_THAT(pickle_refusal(pickle::whole("X\1" + std::string(3, '\0') + "\xFF")), HasSubstr("not UTF-8"));
}

TEST(Pickle, BoundsWhatItKeeps) {
  EXPECT_THAT(pickle_refusal(pickle::whole(std::string(1'000'001, 'N'))), HasSubstr("more than 1000000 values"));
  EXPECT_THAT(pickle_refusal(new_whole('\x8d' + std::string(8, '\xFF') + "a")), HasSubstr("ends at byte"));
}

TEST(Pickle, RefusesEveryTruncation) {
  const std::string bytes =
      pickle::whole(pickle::dict({{pickle::string("a"), pickle::call(pickle::global("lib", "make"), {"K\7"})}}));
  ASSERT_EQ(pickle_refusal(bytes), "accepted");
  for (std::size_t cut = 0; cut < bytes.size(); ++cut)
    EXPECT_NE(pickle_refusal(bytes.substr(0, cut)), "accepted") << cut;
}

}  // namespace
}  // namespace fovea
