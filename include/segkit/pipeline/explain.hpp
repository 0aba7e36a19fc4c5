// segkit/pipeline/explain.hpp: what a query will do, as text, without doing it.
//
//     std::puts(segkit::explain(sessions | filter("clicks"_c > 3) | group_by("user_id"_c).aggregate("n"_c = count())).c_str());
//
//     pass 1: table of 5998 rows
//       reads clicks, then user_id of the rows that pass
//       filter
//       into group_by, which keeps its groups
//     pass 2: group_by of table of 5998 rows
//       reads user_id, n
//       into the result
//
// A pass reads its source once from end to end; row-local stages run inside it. What is kept in memory stands behind "into".
// Of a file the rows are estimated ("csv sessions.csv, about 5400000 rows") by its size and the rows at its beginning.
#pragma once

#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/pipeline.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

// (A template only so that it is compiled where it is used.)
template <class Plan>
class explanation {
public:
    // The passes that `rows` needs before its own, and its own.
    void add(const Plan& rows, const std::vector<int>& outputs, const std::string& into) {
        const auto program = plan_pass<Plan>::compile(rows, outputs);
        for (const pass_input& input : rows.source()->inputs(program.needed)) add(*input.rows, input.slots, input.keeps);
        std::vector<pass_input> of_steps;
        for (std::size_t i = program.steps.size(); i-- > 0;) {    // from the end: readers say first what they want
            auto inputs = program.steps[i]->inputs();
            of_steps.insert(of_steps.begin(), std::make_move_iterator(inputs.begin()), std::make_move_iterator(inputs.end()));
        }
        for (const pass_input& input : of_steps) add(*input.rows, input.slots, input.keeps);

        text_ += "pass " + std::to_string(++passes_) + ": " + rows.source()->describe() + estimate(*rows.source()) + '\n';
        text_ += "  reads " + columns(rows, program) + '\n';
        std::string steps;
        for (const step* s : program.steps) {
            if (s->word().empty()) continue;
            steps += (steps.empty() ? "  " : ", ") + std::string(s->word());
        }
        if (!steps.empty()) text_ += steps + '\n';
        text_ += "  into " + into + '\n';
    }
    std::string take() { return std::move(text_); }

private:
    // How many rows there seem to be, where their number is not known: two digits of it.
    static std::string estimate(const row_source& rows) {
        if (rows.row_count()) return {};
        const std::optional<std::size_t> found = rows.estimated_rows();
        if (!found) return {};
        std::size_t unit = 1;
        while (*found / unit >= 100) unit *= 10;
        return ", about " + std::to_string((*found + unit / 2) / unit * unit) + " rows";
    }

    // The columns of the source in the order in which they are read: those that a later stage reads are read only of rows that
    // got so far, where the source can.
    template <class Program>
    static std::string columns(const Plan& rows, const Program& program) {
        std::string all;
        for (std::size_t stage = 0; stage <= program.stage_ends.size(); ++stage) {
            std::string these;
            for (const auto& [slot, column] : program.pushed)
                if (program.stage_of[column] == stage) these += (these.empty() ? "" : ", ") + std::string(rows.at(static_cast<int>(slot)).name);
            if (these.empty()) continue;
            all += all.empty() ? these : ", then " + these + " of the rows that pass";
        }
        return all.empty() ? "no column" : all;
    }

    std::string text_;
    std::size_t passes_ = 0;
};

}  // namespace detail

// The passes of a query, one paragraph each, in the order in which they run. Nothing is read but the beginning of a CSV file.
template <class T>
    requires row_input<std::remove_cvref_t<T>>
std::string explain(T&& input) {
    const auto r = detail::as_query(std::forward<T>(input)).bind();
    std::string into = "the result";
    detail::for_each_field<typename std::remove_cvref_t<decltype(r)>::schema_type>::apply([&]<class Field>(Field*) {
        if (type_id_of<typename Field::type> == type_id::category) into += std::string(into.size() > 10 ? ", " : ", which codes ") + std::string(Field::name);
    });
    detail::explanation<plan> e;
    e.add(r.plan, r.slot_of, into);
    return e.take();
}

}  // namespace SEGKIT_NAMESPACE
