// segkit/rules/detail/logic.hpp: what can be said of ordered rules without data: which can never be taken.
//
// A condition is a tree of and, or and not over atoms. An atom is a comparison or a boolean column, free to be true, false or
// (where it can be null) unknown; equalities of one text column share that column as a variable, whose values are known where a
// rule set before made it. A rule is unreachable when no assignment makes it true and all rules before it not true. Atoms about
// the same number (x > 3, x > 5) count as independent, so "unreachable" is proved, and "reachable" may be too kind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE::detail {

enum class truth : std::uint8_t { no, yes, unknown, open };    // open: not determined by what is assigned so far

struct logic_node {
    enum class kind { all, any, negation, atom };
    kind type = kind::atom;
    std::size_t variable = 0;    // of an atom
    int value = -1;              // of an atom on a text column: the value it asks for; -1: a boolean atom
    std::vector<logic_node> operands{};
};

struct logic_variable {
    std::string identity;               // of the atom, or the column
    bool nullable = false;
    bool closed = false;                // of a text column: `values` are all it can have
    std::vector<std::string> values{};  // of a text column; empty for a boolean atom
    bool is_text = false;

    // States: boolean 0 false, 1 true; text 0..n-1 a value, n another value (unless closed); the last one null where nullable.
    int states() const {
        const int own = is_text ? static_cast<int>(values.size()) + (closed ? 0 : 1) : 2;
        return own + (nullable ? 1 : 0);
    }
    truth atom(int state, int value) const {
        if (state < 0) return truth::open;
        if (nullable && state == states() - 1) return truth::unknown;
        return (is_text ? state == value : state == 1) ? truth::yes : truth::no;
    }
};

struct logic_table {
    std::vector<logic_variable> variables;

    std::size_t boolean(std::string identity, bool nullable) {
        for (std::size_t i = 0; i < variables.size(); ++i)
            if (!variables[i].is_text && variables[i].identity == identity) return i;
        variables.push_back({.identity = std::move(identity), .nullable = nullable});
        return variables.size() - 1;
    }
    std::size_t text(std::string column, bool nullable, const std::vector<std::string>& labels) {
        for (std::size_t i = 0; i < variables.size(); ++i)
            if (variables[i].is_text && variables[i].identity == column) return i;
        variables.push_back({.identity = std::move(column), .nullable = nullable, .closed = !labels.empty(), .values = labels, .is_text = true});
        return variables.size() - 1;
    }
    // Number of a value of a text variable; a value that a closed column cannot have gets a number no state has.
    int value(std::size_t variable, const std::string& wanted) {
        logic_variable& v = variables[variable];
        for (std::size_t i = 0; i < v.values.size(); ++i)
            if (v.values[i] == wanted) return static_cast<int>(i);
        if (v.closed) return 1 << 20;
        v.values.push_back(wanted);
        return static_cast<int>(v.values.size()) - 1;
    }
};

inline truth negate(truth t) { return t == truth::yes ? truth::no : t == truth::no ? truth::yes : t; }

inline truth evaluate(const logic_node& node, const logic_table& table, const std::vector<int>& state) {
    switch (node.type) {
        case logic_node::kind::atom: return table.variables[node.variable].atom(state[node.variable], node.value);
        case logic_node::kind::negation: return negate(evaluate(node.operands[0], table, state));
        default: {
            const truth decisive = node.type == logic_node::kind::all ? truth::no : truth::yes;
            bool unknown = false, open = false;
            for (const logic_node& o : node.operands) {
                const truth t = evaluate(o, table, state);
                if (t == decisive) return decisive;
                unknown = unknown || t == truth::unknown;
                open = open || t == truth::open;
            }
            return open ? truth::open : unknown ? truth::unknown : negate(decisive);
        }
    }
}

enum class reachability { reachable, unreachable, undecided };

// Whether some assignment makes conditions[rule] true and none before it; rule == conditions.size() is the fallback.
class reach_search {
public:
    reach_search(const std::vector<logic_node>& conditions, const logic_table& table, std::size_t rule)
        : conditions_(conditions), table_(table), rule_(rule), state_(table.variables.size(), -1) {}

    reachability run() {
        const bool found = search(0);
        return found ? reachability::reachable : budget_ == 0 ? reachability::undecided : reachability::unreachable;
    }

private:
    bool search(std::size_t variable) {
        if (budget_ == 0) return false;
        --budget_;
        bool decided = true;
        for (std::size_t i = 0; i < rule_; ++i) {
            const truth t = evaluate(conditions_[i], table_, state_);
            if (t == truth::yes) return false;
            decided = decided && t != truth::open;
        }
        if (rule_ < conditions_.size()) {
            const truth t = evaluate(conditions_[rule_], table_, state_);
            if (t == truth::no || t == truth::unknown) return false;
            decided = decided && t != truth::open;
        }
        if (decided) return true;
        if (variable == state_.size()) return false;
        for (int s = 0; s < table_.variables[variable].states(); ++s) {
            state_[variable] = s;
            if (search(variable + 1)) return true;
        }
        state_[variable] = -1;
        return false;
    }

    const std::vector<logic_node>& conditions_;
    const logic_table& table_;
    std::size_t rule_;
    std::vector<int> state_;
    std::size_t budget_ = 2'000'000;
};

}  // namespace SEGKIT_NAMESPACE::detail
