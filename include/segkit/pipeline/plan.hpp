// segkit/pipeline/plan.hpp: what a pipeline is at run time: a source, slots, and steps, all untyped.
//
// One loop pushes each chunk of the source through the steps; steps that nothing downstream reads are left out. A
// plan is a cheap value: steps and source are shared and immutable, scratch memory belongs to the worker of a morsel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/pipeline/source.hpp>
#include <segkit/table/chunk.hpp>

namespace SEGKIT_NAMESPACE {

// A column of the running plan.
struct slot {
    type_id type = type_id::int64;
    bool nullable = false;
    int source_column = -1;             // >= 0: pushed by the source
    bool stable = false;                // text whose bytes outlive the chunk
    bool stable_values = false;         // values that stay in place when the chunk is gone
    std::vector<std::string> labels{};  // of a text: all values it can have, where a rule set made it
    std::string_view name{};            // of a source's column
};

// Memory of one worker: a place for the values and validity of every computed slot.
class scratch {
public:
    explicit scratch(std::size_t slots) : selection(new std::uint16_t[chunk_rows]), places_(slots) {}

    // Room for `chunk_rows` rows of the slot; allocated once.
    template <class V>
    V* values(int slot_number, std::size_t width = 1) {
        place& p = places_[static_cast<std::size_t>(slot_number)];
        const std::size_t bytes = std::size_t{chunk_rows} * width * sizeof(V);
        if (p.bytes < bytes) {
            p.values.reset(new std::byte[bytes]);
            p.bytes = bytes;
        }
        return reinterpret_cast<V*>(p.values.get());
    }
    std::uint8_t* validity(int slot_number) {
        place& p = places_[static_cast<std::size_t>(slot_number)];
        if (!p.validity) p.validity.reset(new std::uint8_t[chunk_rows / 8]);
        return p.validity.get();
    }
    // Texts that a step computed for the chunk at hand.
    std::vector<std::string>& texts(int slot_number) { return places_[static_cast<std::size_t>(slot_number)].texts; }

    std::unique_ptr<std::uint16_t[]> selection;
    std::vector<std::uint32_t> matches{};    // of a join's look-up, for the gathers that follow it

private:
    struct place {
        std::unique_ptr<std::byte[]> values{};
        std::size_t bytes = 0;
        std::unique_ptr<std::uint8_t[]> validity{};
        std::vector<std::string> texts{};
    };
    std::vector<place> places_;
};

// One row-local operation on a chunk. Steps do not change while they run; what changes is in chunk and scratch.
class step {
public:
    step(std::vector<int> reads, std::vector<int> writes) : reads_(std::move(reads)), writes_(std::move(writes)) {}
    virtual ~step() = default;

    virtual std::string_view word() const = 0;               // "filter", "derive", ...; empty for a part of another step
    virtual bool changes_rows() const { return false; }      // runs even where nothing reads what it writes
    virtual bool drops_rows() const { return changes_rows(); }
    virtual void prepare(executor_ref) const {}              // before a pass: a join indexes its right side
    virtual std::vector<pass_input> inputs() const { return {}; }
    virtual void run(chunk& rows, scratch& memory) const = 0;

    // Of a step that takes what it writes from rows held in memory, and reads nothing but which row that is: the slot that says so (the
    // row's number, plus one, or 0 where there is none), and, once it is prepared, how many rows are held. Others: -1.
    virtual int row_slot() const { return -1; }
    virtual std::size_t rows_held() const { return 0; }
    // Of a prepared step that writes that slot: the same, but for what it writes: number_of[row's number + 1], plus one, where the row
    // counts. Nothing where that is not at hand.
    virtual std::shared_ptr<const step> with_numbers(const std::uint16_t* number_of, executor_ref executor) const {
        (void)number_of, (void)executor;
        return nullptr;
    }

    const std::vector<int>& reads() const { return reads_; }
    const std::vector<int>& writes() const { return writes_; }

private:
    std::vector<int> reads_, writes_;
};

namespace detail {
template <class Plan>
struct plan_pass;
}

class plan {
public:
    plan() = default;
    explicit plan(std::shared_ptr<row_source> source) : source_(std::move(source)) {}

    int add_slot(slot s) {
        slots_.push_back(std::move(s));
        return static_cast<int>(slots_.size()) - 1;
    }
    void add_step(std::shared_ptr<const step> s) { steps_.push_back(std::move(s)); }
    void replace_step(std::size_t i, std::shared_ptr<const step> s) { steps_[i] = std::move(s); }

    const slot& at(int number) const { return slots_[static_cast<std::size_t>(number)]; }
    slot& at(int number) { return slots_[static_cast<std::size_t>(number)]; }
    std::size_t slot_count() const { return slots_.size(); }
    const std::shared_ptr<row_source>& source() const { return source_; }
    const std::vector<std::shared_ptr<const step>>& steps() const { return steps_; }

    // The same rows from a source that has them in memory, all at once, as columns in the order of `slots`. It holds until
    // another step is added.
    void offer_whole(std::shared_ptr<row_source> whole, std::vector<int> slots) {
        whole_ = std::move(whole);
        whole_slots_ = std::move(slots);
        whole_steps_ = steps_.size();
    }
    // A plan over that source, with the slots that are wanted, or none.
    bool has_whole() const { return whole_ && whole_steps_ == steps_.size(); }
    plan whole(std::vector<int>& wanted) const {
        plan p(whole_);
        for (int& s : wanted) {
            slot same = at(s);
            same.source_column = -1;
            for (std::size_t i = 0; i < whole_slots_.size(); ++i)
                if (whole_slots_[i] == s) same.source_column = static_cast<int>(i);
            s = p.add_slot(std::move(same));
        }
        return p;
    }

    // Runs the pass: every chunk of the source through the steps that `outputs` need, then to the consumer, a
    // morsel_consumer. Chunks without a row that counts are not handed on.
    template <class Consumer, class Plan = plan>
    void run(const std::vector<int>& outputs, executor_ref executor, Consumer& consumer) const {
        detail::plan_pass<Plan>::run(*this, outputs, executor, consumer);
    }

private:
    std::shared_ptr<row_source> source_;
    std::vector<slot> slots_;
    std::vector<std::shared_ptr<const step>> steps_;
    std::shared_ptr<row_source> whole_{};
    std::vector<int> whole_slots_{};
    std::size_t whole_steps_ = 0;
};

namespace detail {

// The running of a plan: a template only so that who includes this header and runs nothing does not compile it.
template <class Plan>
struct plan_pass {
    static void run(const Plan& plan, const std::vector<int>& outputs, executor_ref executor, morsel_consumer& consumer) {
        const program p = compile(plan, outputs);
        prepare(p, executor);
        pass pass_through(plan.slot_count(), p, consumer);
        plan.source()->scan(p.needed, executor, pass_through);
    }

    // What run does before the first row comes; doing it before that is no waste.
    static void prepare(const Plan& plan, const std::vector<int>& outputs, executor_ref executor) { prepare(compile(plan, outputs), executor); }

    struct program {
        std::vector<const step*> steps;
        std::vector<bool> needed;                          // per source column
        std::vector<std::pair<std::size_t, std::size_t>> pushed;    // slot, source column
        std::vector<std::size_t> stage_of;                 // per source column
        std::vector<std::size_t> stage_ends;               // of all stages but the last: how many steps have then run
    };

    static void prepare(const program& p, executor_ref executor) {
        for (std::size_t i = p.steps.size(); i-- > 0;) p.steps[i]->prepare(executor);    // from the end: readers say first what they want
    }

    // Backward from the outputs: which steps run, which columns the source must deliver.
    static program compile(const Plan& plan, const std::vector<int>& outputs) {
        const std::size_t slots = plan.slot_count();
        program p;
        std::vector<bool> live(slots, false);
        for (const int s : outputs) live[static_cast<std::size_t>(s)] = true;
        for (std::size_t i = plan.steps().size(); i-- > 0;) {
            const step& s = *plan.steps()[i];
            bool wanted = s.changes_rows();
            for (const int w : s.writes()) wanted = wanted || live[static_cast<std::size_t>(w)];
            if (!wanted) continue;
            p.steps.insert(p.steps.begin(), &s);
            for (const int r : s.reads()) live[static_cast<std::size_t>(r)] = true;
        }
        for (std::size_t i = 0; i < slots; ++i) {
            const slot& here = plan.at(static_cast<int>(i));
            if (here.source_column < 0) continue;
            const auto column = static_cast<std::size_t>(here.source_column);
            if (p.needed.size() <= column) p.needed.resize(column + 1, false);
            if (!live[i]) continue;
            p.needed[column] = true;
            p.pushed.emplace_back(i, column);
        }
        find_stages(plan, p);
        return p;
    }

    // A stage ends behind a step that may reject rows, where columns of the source are left that no step has read so far.
    static void find_stages(const Plan& plan, program& p) {
        constexpr auto unread = static_cast<std::size_t>(-1);
        p.stage_of.assign(p.needed.size(), unread);
        std::size_t left = 0;
        for (const bool needed : p.needed) left += needed;
        for (std::size_t i = 0; i < p.steps.size() && left != 0; ++i) {
            for (const int r : p.steps[i]->reads()) {
                const int column = plan.at(r).source_column;
                if (column < 0 || p.stage_of[static_cast<std::size_t>(column)] != unread) continue;
                p.stage_of[static_cast<std::size_t>(column)] = p.stage_ends.size();
                --left;
            }
            if (p.steps[i]->changes_rows() && left != 0) p.stage_ends.push_back(i + 1);
        }
        for (std::size_t& stage : p.stage_of)
            if (stage == unread) stage = p.stage_ends.size();
    }

    class pass_worker final : public morsel_worker {
    public:
        pass_worker(std::size_t slots, const program& program, std::unique_ptr<morsel_worker> next) : program_(program), next_(std::move(next)), memory_(slots) {
            chunk_.slots.resize(slots);
        }
        void take(const chunk& rows) override {
            accept(rows);
            run_until(program_.steps.size());
            done_ = 0;
            if (chunk_.selected) next_->take(chunk_);
        }
        void narrow(std::size_t stage, chunk& rows) override {
            if (stage == 0) done_ = 0;
            accept(rows);
            run_until(program_.stage_ends[stage]);
            rows.selected = chunk_.selected;
            rows.dense = chunk_.dense;
            rows.selection = chunk_.selection;
        }
        void finish() override { next_->finish(); }

    private:
        void accept(const chunk& rows) {
            SEGKIT_ASSERT(rows.rows <= chunk_rows && rows.selected <= rows.rows);
            chunk_.rows = rows.rows;
            chunk_.selected = rows.selected;
            chunk_.dense = rows.dense;
            chunk_.first_row = rows.first_row;
            chunk_.selection = memory_.selection.get();
            if (!rows.dense && rows.selection != chunk_.selection)
                for (std::uint32_t k = 0; k < rows.selected; ++k) chunk_.selection[k] = rows.selection[k];
            for (const auto& [to, from] : program_.pushed) chunk_.slots[to] = rows.slots[from];
        }
        void run_until(std::size_t end) {
            for (; done_ < end && chunk_.selected != 0; ++done_) program_.steps[done_]->run(chunk_, memory_);
        }

        const program& program_;
        std::unique_ptr<morsel_worker> next_;
        scratch memory_;
        chunk chunk_;
        std::size_t done_ = 0;    // steps that have run for this chunk
    };

    class pass final : public morsel_consumer {
    public:
        pass(std::size_t slots, const program& program, morsel_consumer& next) : slots_(slots), program_(program), next_(next) {}
        std::unique_ptr<morsel_worker> start(std::size_t morsel) override {
            return std::make_unique<pass_worker>(slots_, program_, next_.start(morsel));
        }
        std::vector<std::size_t> stages() const override { return program_.stage_ends.empty() ? std::vector<std::size_t>() : program_.stage_of; }

    private:
        std::size_t slots_;
        const program& program_;
        morsel_consumer& next_;
    };
};

}  // namespace detail

namespace detail {
// The slots of the columns that are needed.
inline std::vector<int> needed_slots(const std::vector<int>& slots, const std::vector<bool>& needed) {
    std::vector<int> some;
    for (std::size_t i = 0; i < slots.size(); ++i)
        if (i < needed.size() && needed[i]) some.push_back(slots[i]);
    return some;
}
}  // namespace detail

// One state per morsel, kept in morsel order whatever the order of execution: the base of every merging consumer.
//
// Derive the worker from morsel_worker with a constructor from State&.
template <class State, class Worker, class Context>
class state_per_morsel final : public morsel_consumer {
public:
    explicit state_per_morsel(Context context) : context_(std::move(context)) {}

    std::unique_ptr<morsel_worker> start(std::size_t morsel) override {
        State* mine = nullptr;
        {
            const std::lock_guard hold(lock_);
            if (states_.size() <= morsel) states_.resize(morsel + 1);
            states_[morsel] = std::make_unique<State>();
            mine = states_[morsel].get();
        }
        return std::make_unique<Worker>(*mine, context_);
    }

    // f(state) for every morsel, in row order.
    template <class F>
    void in_order(F&& f) {
        for (auto& s : states_)
            if (s) f(*s);
    }
    std::size_t size() const { return states_.size(); }
    State& at(std::size_t morsel) { return *states_[morsel]; }

private:
    Context context_;
    std::mutex lock_;
    std::vector<std::unique_ptr<State>> states_;
};

}  // namespace SEGKIT_NAMESPACE
