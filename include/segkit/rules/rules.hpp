// segkit/rules/rules.hpp: ordered rules, the first that is true gives the label; and what they cover.
//
//     const auto spend = rules("spend"_c, rule("budget", "fare"_c <= 500.0), rule("middle", "fare"_c <= 1000.0), otherwise("premium"));
//     auto labelled = customers | spend | collect();
//     rule_coverage c = coverage(spend, customers);     // per rule: true, false, unknown, taken, shadowed by, status
//
// A rule whose condition is unknown (a null was compared) does not fire and is counted. The fallback is required. Coverage
// says which rules never fired on these rows, and which never can (rules/detail/logic.hpp). Row-local; coverage is one pass.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/expr/describe.hpp>
#include <segkit/pipeline/fit.hpp>
#include <segkit/rules/detail/logic.hpp>

namespace SEGKIT_NAMESPACE {

template <class E>
struct rule_of {
    std::string name;
    E condition;
};
struct fallback {
    std::string name;
};

// A named rule; its name is the label of the rows it takes.
template <expression E>
auto rule(std::string name, const E& condition) {
    return rule_of<E>{std::move(name), condition};
}
// The label of rows that no rule takes.
inline fallback otherwise(std::string name) { return {std::move(name)}; }

template <class Last>
struct rules_need_a_fallback {
    static_assert(detail::never<Last>, "segkit: rules(...) must end with otherwise(\"label\"), and only end with it: a row that no rule takes needs a label");
};

enum class rule_status {
    live,           // taken at least once
    not_taken,      // could be taken, but not on these rows
    unreachable,    // cannot be taken on any rows: the rules before it leave nothing, or it contradicts itself
};
constexpr std::string_view to_string(rule_status s) {
    switch (s) {
        case rule_status::live: return "live";
        case rule_status::not_taken: return "dead on this data";
        case rule_status::unreachable: return "unreachable by logic";
    }
    return "?";
}

// What a rule did on some rows. true + false + unknown = rows; taken <= true, the rest was taken by earlier rules.
struct rule_counts {
    std::string name;
    std::string condition;                  // as written; empty for the fallback
    std::size_t holds = 0;                  // rows for which the condition is true
    std::size_t fails = 0;
    std::size_t unknown = 0;
    std::size_t taken = 0;
    std::vector<std::size_t> shadowed_by{}; // rows for which it is true, by the earlier rule that took them
    rule_status status = rule_status::live;

    std::size_t shadowed() const { return holds - taken; }
};

struct rule_coverage {
    std::string column;
    std::size_t rows = 0;
    std::vector<rule_counts> rules;    // in order, the fallback last: it holds for every row

    const rule_counts& operator[](std::string_view name) const {
        for (const rule_counts& r : rules)
            if (r.name == name) return r;
        throw error({.code = error_code::invalid_option, .stage = "rule_coverage", .found = "'" + std::string(name) + "'", .expected = "the name of a rule"});
    }
};

namespace detail {

// One condition over a chunk: 0 false, 1 true, 2 unknown per selected row.
class condition_evaluator {
public:
    virtual ~condition_evaluator() = default;
    virtual void run(const chunk& c, std::uint8_t* out) const = 0;
};
template <class Bound>
class condition_evaluator_of final : public condition_evaluator {
public:
    explicit condition_evaluator_of(Bound bound) : bound_(std::move(bound)) {}
    void run(const chunk& c, std::uint8_t* out) const override {
        const auto open = bound_.open(c);
        evaluate_rows(c, open, {"rules"}, [&] {
            c.each([&](std::uint32_t k, std::uint32_t row) {
                const auto x = open(row);
                out[k] = static_cast<std::uint8_t>(is_known(x) ? int{value_in(x)} : 2);
            });
        });
    }

private:
    Bound bound_;
};

// Bound rules: evaluators, what they read, their labels.
struct rule_program {
    std::vector<std::unique_ptr<condition_evaluator>> conditions;
    std::vector<int> reads;
    std::vector<std::string> labels;    // one more than conditions: the fallback
};

class rules_step final : public step {
public:
    rules_step(std::shared_ptr<const rule_program> program, int out) : step(program->reads, {out}), program_(std::move(program)), out_(out) {}
    std::string_view word() const override { return "rules"; }
    void run(chunk& c, scratch& memory) const override {
        std::array<std::uint8_t, chunk_rows> truth;
        std::array<std::uint16_t, chunk_rows> taken_by;
        const auto fallback_number = static_cast<std::uint16_t>(program_->conditions.size());
        taken_by.fill(fallback_number);
        for (std::uint16_t r = 0; r < fallback_number; ++r) {
            program_->conditions[r]->run(c, truth.data());
            for (std::uint32_t k = 0; k < c.selected; ++k)
                if (truth[k] == 1 && taken_by[k] == fallback_number) taken_by[k] = r;
        }
        auto* out = memory.values<std::string_view>(out_);
        c.each([&](std::uint32_t k, std::uint32_t row) { out[row] = program_->labels[taken_by[k]]; });
        c.slots[static_cast<std::size_t>(out_)] = {out};
    }

private:
    std::shared_ptr<const rule_program> program_;
    int out_;
};

// Counts of one morsel; merging adds them up.
struct coverage_state {
    std::size_t rows = 0;
    std::vector<std::array<std::size_t, 3>> truths{};       // per rule: false, true, unknown
    std::vector<std::size_t> taken{};                       // per rule, the fallback last
    std::vector<std::vector<std::size_t>> shadowed{};       // [rule][earlier rule]

    void resize(std::size_t rules) {
        truths.resize(rules);
        taken.resize(rules + 1);
        shadowed.resize(rules);
        for (std::size_t r = 0; r < rules; ++r) shadowed[r].resize(r);
    }
    void merge(const coverage_state& other) {
        if (other.taken.empty()) return;
        resize(other.truths.size());
        rows += other.rows;
        for (std::size_t r = 0; r < taken.size(); ++r) taken[r] += other.taken[r];
        for (std::size_t r = 0; r < truths.size(); ++r) {
            for (std::size_t t = 0; t < 3; ++t) truths[r][t] += other.truths[r][t];
            for (std::size_t e = 0; e < r; ++e) shadowed[r][e] += other.shadowed[r][e];
        }
    }
};
class coverage_worker final : public morsel_worker {
public:
    coverage_worker(coverage_state& state, const rule_program* program) : state_(state), program_(*program), truth_(program->conditions.size() * chunk_rows) {
        state_.resize(program_.conditions.size());
    }
    void take(const chunk& c) override {
        const std::size_t rules = program_.conditions.size();
        for (std::size_t r = 0; r < rules; ++r) program_.conditions[r]->run(c, truth_.data() + r * chunk_rows);
        state_.rows += c.selected;
        for (std::uint32_t k = 0; k < c.selected; ++k) {
            std::size_t taker = rules;
            for (std::size_t r = 0; r < rules; ++r) {
                const std::uint8_t t = truth_[r * chunk_rows + k];
                ++state_.truths[r][t];
                if (t != 1) continue;
                if (taker == rules) taker = r;
                else ++state_.shadowed[r][taker];
            }
            ++state_.taken[taker];
        }
    }

private:
    coverage_state& state_;
    const rule_program& program_;
    std::vector<std::uint8_t> truth_;
};

// ---- conditions as logic

template <class Schema, class E>
inline constexpr bool expression_can_be_null = can_be_null<result_t<bound_t<Schema, E>>>;

template <class E>
inline const char address_of_type = 0;

// An atom. Equal type and equal text mean equal meaning (0.1 and 0.1f read alike, and so may columns with odd names), but for
// functions of the user: those are never taken to be the same.
template <class Schema, class E>
logic_node logic_of(const relation<Schema>&, logic_table& table, const E& e) {
    std::string identity = describe(e) + " of type " + std::to_string(reinterpret_cast<std::uintptr_t>(&address_of_type<E>));
    if (identity.find("apply(") != std::string::npos) identity += "#" + std::to_string(table.variables.size());
    return {.variable = table.boolean(std::move(identity), expression_can_be_null<Schema, E>)};
}

template <class Schema, fixed_string Name>
logic_node text_atom(const relation<Schema>& r, logic_table& table, const col<Name>& column, std::string_view value) {
    const std::size_t variable = table.text(std::string(name_of<Name>), expression_can_be_null<Schema, col<Name>>, r.plan.at(r.template slot<Name>()).labels);
    (void)column;
    return {.variable = variable, .value = table.value(variable, std::string(value))};
}
template <class Schema, fixed_string Name, std::convertible_to<std::string_view> Text>
logic_node logic_of(const relation<Schema>& r, logic_table& table, const operation<equal_op, col<Name>, literal<Text>>& e) {
    return text_atom(r, table, get<0>(e.operands), get<1>(e.operands).value);
}
template <class Schema, fixed_string Name, std::convertible_to<std::string_view> Text>
logic_node logic_of(const relation<Schema>& r, logic_table& table, const operation<differ_op, col<Name>, literal<Text>>& e) {
    return {.type = logic_node::kind::negation, .operands = {text_atom(r, table, get<0>(e.operands), get<1>(e.operands).value)}};
}
template <class Schema, class A>
logic_node logic_of(const relation<Schema>& r, logic_table& table, const operation<not_op, A>& e) {
    return {.type = logic_node::kind::negation, .operands = {logic_of(r, table, get<0>(e.operands))}};
}
template <class Schema, class A, class B>
logic_node logic_of(const relation<Schema>& r, logic_table& table, const operation<and_op, A, B>& e) {
    return {.type = logic_node::kind::all, .operands = {logic_of(r, table, get<0>(e.operands)), logic_of(r, table, get<1>(e.operands))}};
}
template <class Schema, class A, class B>
logic_node logic_of(const relation<Schema>& r, logic_table& table, const operation<or_op, A, B>& e) {
    return {.type = logic_node::kind::any, .operands = {logic_of(r, table, get<0>(e.operands)), logic_of(r, table, get<1>(e.operands))}};
}

}  // namespace detail

template <fixed_string Out, class... Conditions>
struct rules_stage : stage_base {
    static constexpr std::string_view stage_name = "rules";
    detail::pack<rule_of<Conditions>...> rules;
    fallback last;

    template <class Schema>
    auto bind(relation<Schema> r) const {
        if constexpr (has_column<Schema, Out>) {
            detail::report(detail::mistake<duplicate_column_name<name<Out>, existing_columns_of<Schema>>>);
            return detail::erroneous_rows();
        } else {
            auto program = make_program(r);
            const int out = r.plan.add_slot({.type = type_id::text, .stable = true, .labels = program->labels});
            r.plan.add_step(std::make_shared<detail::rules_step>(std::move(program), out));
            return std::move(r).template append<Out, text>(out);
        }
    }

    // The coverage over these rows: what `fit` and `coverage` report.
    template <class Schema>
    rule_coverage report_on(const relation<Schema>& r, executor_ref executor) const {
        const auto program = make_program(r);
        state_per_morsel<detail::coverage_state, detail::coverage_worker, const detail::rule_program*> states(program.get());
        r.plan.run(program->reads, executor, states);
        detail::coverage_state total;
        total.resize(sizeof...(Conditions));
        states.in_order([&](const detail::coverage_state& s) { total.merge(s); });

        detail::logic_table table;
        std::vector<detail::logic_node> logic;
        rule_coverage c{std::string(name_of<Out>), total.rows, {}};
        detail::for_each(rules, [&](const auto& a_rule) {
            const std::size_t i = c.rules.size();
            logic.push_back(detail::logic_of(r, table, a_rule.condition));
            c.rules.push_back({a_rule.name, describe(a_rule.condition), total.truths[i][1], total.truths[i][0], total.truths[i][2], total.taken[i], total.shadowed[i]});
        });
        c.rules.push_back({.name = last.name, .condition = {}, .holds = total.rows, .taken = total.taken.back()});
        for (std::size_t e = 0; e + 1 < c.rules.size(); ++e) c.rules.back().shadowed_by.push_back(total.taken[e]);
        for (std::size_t i = 0; i < c.rules.size(); ++i) {
            if (c.rules[i].taken) continue;
            const bool never = detail::reach_search(logic, table, i).run() == detail::reachability::unreachable;
            c.rules[i].status = never ? rule_status::unreachable : rule_status::not_taken;
        }
        return c;
    }

private:
    template <class Schema>
    std::shared_ptr<const detail::rule_program> make_program(const relation<Schema>& r) const {
        auto program = std::make_shared<detail::rule_program>();
        detail::for_each(rules, [&]<class E>(const rule_of<E>& a_rule) {
            auto bound = detail::bind_expression(r, a_rule.condition);
            using B = decltype(bound.bound);
            if constexpr (detail::is_condition<B>) {
                program->reads.insert(program->reads.end(), bound.reads.begin(), bound.reads.end());
                program->conditions.push_back(std::make_unique<detail::condition_evaluator_of<B>>(std::move(bound.bound)));
                program->labels.push_back(a_rule.name);
            } else if constexpr (!detail::is_erroneous<B>) {
                detail::report(detail::mistake<condition_is_not_boolean<detail::plain_column_of<detail::known_t<detail::result_t<B>>>>>);
            }
        });
        program->labels.push_back(last.name);
        return program;
    }
};

namespace detail {
template <class T>
struct is_rule : std::false_type {};
template <class E>
struct is_rule<rule_of<E>> : std::true_type {};

template <fixed_string Out, class... Rules, std::size_t... I>
auto make_rules(const pack<Rules...>& all, std::index_sequence<I...>) {
    using stage_type = rules_stage<Out, std::remove_cvref_t<decltype(detail::get<I>(all).condition)>...>;
    return make_pipeline(stage_type{{}, make_pack(detail::get<I>(all)...), detail::get<sizeof...(Rules) - 1>(all)});
}
}  // namespace detail

// rules("column"_c, rule(...), ..., otherwise("label")): adds a text column.
template <fixed_string Out, class... Rules>
auto rules(col<Out>, const Rules&... all) {
    constexpr std::size_t conditions = (std::size_t{detail::is_rule<Rules>::value} + ... + 0);
    constexpr std::size_t fallbacks = (std::size_t{std::same_as<Rules, fallback>} + ... + 0);
    const auto packed = detail::make_pack(all...);
    if constexpr (conditions + 1 != sizeof...(Rules) || fallbacks != 1 || !std::same_as<std::remove_cvref_t<decltype((all, ...))>, fallback>) {
        detail::report(detail::mistake<rules_need_a_fallback<column_list<Out>>>);
        return make_pipeline(rules_stage<Out>{});
    } else {
        return detail::make_rules<Out>(packed, std::make_index_sequence<conditions>{});
    }
}

// What a rule set covers of some rows.
template <fixed_string Out, class... Conditions, class Input>
    requires row_input<std::remove_cvref_t<Input>>
rule_coverage coverage(const pipeline<rules_stage<Out, Conditions...>>& set, const Input& input, executor_ref executor = detail::default_executor) {
    return detail::get<0>(set.stages).report_on(detail::as_query(input).bind(), executor);
}

inline stage_summary summarise(const rule_coverage& c) {
    stage_summary s{.stage = "rules"};
    s.facts.emplace_back("rows", std::to_string(c.rows));
    for (const rule_counts& r : c.rules) {
        s.facts.emplace_back(r.name, std::to_string(r.taken) + " taken of " + std::to_string(r.holds) + " true");
        if (r.unknown) s.notes.push_back(r.name + " is unknown for " + std::to_string(r.unknown) + " rows");
        if (r.status != rule_status::live) s.notes.push_back(r.name + " is " + std::string(to_string(r.status)));
    }
    return s;
}

}  // namespace SEGKIT_NAMESPACE
