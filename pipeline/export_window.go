package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/ledger"
	"chute/pipeline/query"
)

// Since is where somebody wants a delivery of what is new to begin, in place of where the last one ended.
type Since struct {
	Time time.Time
	Run  uint64 // for jobs that go by runs: the last one that isn't wanted
}

// window finds out which rows a delivery of what is new is to have. It is asked for anew at each try, before the question: what comes later belongs to the
// next delivery.
func (ex *Exporter) window(ctx context.Context, d *outgoing) error {
	w := ex.Job.Watermark
	d.is.Since, d.is.Until, d.is.Moves = time.Time{}, time.Time{}, false
	if w.IsZero() {
		return nil
	}
	last, err := ex.Ledger.Deliveries(ctx, ex.Job.Name)
	if err != nil {
		return err
	}
	if w.Runs {
		d.after = ledger.Cut{}
		if last.Runs != nil {
			d.after = *last.Runs
		}
		d.is.Moves = d.since == nil || last.Runs == nil || d.since.Run <= last.Runs.UpTo && len(last.Runs.Open) == 0
		if d.since != nil {
			d.after = ledger.Cut{UpTo: d.since.Run}
		}
		return nil
	}
	d.is.Since = last.Watermark
	if d.since != nil {
		d.is.Since = d.since.Time
	}
	// What lies between two deliveries isn't skipped because somebody has wanted less.
	d.is.Moves = d.since == nil || last.Watermark.IsZero() || !d.is.Since.After(last.Watermark)
	d.is.Until, err = ex.until(ctx, d.session, d.is.Since)
	return err
}

// until is how far a delivery goes: the last whole second that is further back than the lag, by the clock that is behind, ours or the server's. One that
// runs ahead would put the watermark where rows are still to come.
func (ex *Exporter) until(ctx context.Context, s connectors.Session, since time.Time) (time.Time, error) {
	clock := now()
	if ex.Now != nil {
		clock = ex.Now()
	}
	server := clock
	err := s.Query(ctx, connectors.Statement{SQL: "SELECT toInt64(toUInt32(now()))"}, func(b *native.Block) error {
		if b.Rows == 0 {
			return nil
		}
		values, err := native.Values(b.Columns[0], b.Data[0], b.Rows)
		if err == nil {
			unix, err := strconv.ParseInt(fmt.Sprint(values[0]), 10, 64)
			server = time.Unix(unix, 0)
			return err
		}
		return err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("ask the server what time it is: %w", err)
	}
	if server.Before(clock) {
		clock = server
	}
	until := clock.Add(-time.Duration(ex.Job.Watermark.Lag)).Truncate(time.Second).Add(-time.Second).UTC()
	if until.Before(since) { // a clock was put back: there is nothing new until it has come to where it was
		until = since
	}
	return until, nil
}

// narrowed is the question of a delivery: of what is new, if the job is about that.
func (ex *Exporter) narrowed(ctx context.Context, d *outgoing) (string, error) {
	ex.filled = nil
	if ex.Job.Query != "" {
		return ex.fill(d)
	}
	sql, err := ex.narrowedTable(ctx, d)
	if err != nil || len(ex.Job.Parameters) == 0 {
		return sql, err
	}
	if sql, err = query.Fill(sql, ex.parameter); err != nil {
		return "", fmt.Errorf("the job's table, columns, filter or order_by: %w", err)
	}
	return sql, nil
}

// parameter is the value of one of the job's parameters, as an expression of the type that the question wants.
func (ex *Exporter) parameter(name, typ string) (text string, known bool, err error) {
	value, known := ex.Job.Parameters[name]
	if !known {
		return "", false, nil
	}
	if typ == "" {
		return "", true, fmt.Errorf("{%s} needs a type: write for example {%s:String}", name, name)
	}
	t, err := native.ParseType(typ)
	switch {
	case err != nil:
	case t.Kind == native.DateTime && t.Zone != "": // old servers read it by their own clocks in a CAST
		text, err = native.Bind("toDateTime(?, ?)", value, t.Zone)
	default:
		text, err = native.Bind("CAST(? AS "+t.String()+")", value)
	}
	if err != nil {
		return "", true, fmt.Errorf("{%s:%s}: %w", name, typ, err)
	}
	ex.filled = append(ex.filled, text, "{"+name+":"+typ+"}")
	return text, true, nil
}

// unfilled is a question without the values of parameters, which are often values of rows: logs and reports don't have them.
func (ex *Exporter) unfilled(sql string) string {
	return strings.NewReplacer(ex.filled...).Replace(sql)
}

func (ex *Exporter) narrowedTable(ctx context.Context, d *outgoing) (string, error) {
	if err := ex.expressions(); err != nil {
		return "", err
	}
	chosen, err := ex.chosen(ctx, d.session)
	if err != nil {
		return "", err
	}
	switch w := ex.Job.Watermark; {
	case w.IsZero():
		return ex.question(chosen, ""), nil
	case w.Runs:
		return ex.question(chosen, ex.runs(d)), nil
	}
	t, err := ex.columnType(ctx, d.session)
	if err != nil {
		return "", err
	}
	until, err := ex.bound(t, d.is.Until)
	if err != nil {
		return "", fmt.Errorf("watermark.from: %w", err)
	}
	column := native.Identifier(ex.Job.Watermark.From)
	condition := column + " <= " + until
	if !d.is.Since.IsZero() { // the first delivery has everything
		since, err := ex.bound(t, d.is.Since)
		if err != nil {
			return "", err
		}
		condition = column + " > " + since + " AND " + condition
	}
	return ex.question(chosen, condition), nil
}

// fill puts the window into the places that a query has for it.
func (ex *Exporter) fill(d *outgoing) (string, error) {
	w, used := ex.Job.Watermark, map[string]bool{}
	if clause, err := query.Limited(ex.Job.Query, "since", "until", "runs"); err != nil {
		return "", &Misasked{"query", err}
	} else if clause != "" {
		return "", &Misasked{"query", fmt.Errorf("%s leaves out rows behind which the watermark would be moved: they would never be delivered; max_rows fails a delivery that is too large, split makes several files of it", clause)}
	}
	sql, err := query.Fill(ex.Job.Query, func(name, typ string) (string, bool, error) {
		at := map[string]time.Time{"since": d.is.Since, "until": d.is.Until}
		moment, known := at[name]
		used[name] = true
		switch {
		case name == "runs" && typ == "" && w.Runs:
			return "(" + ex.runs(d) + ")", true, nil
		case !known && name != "runs":
			return ex.parameter(name, typ)
		case w.From == "" || !known:
			return "", false, fmt.Errorf("{%s} stands in it, and watermark doesn't say what that is", name)
		}
		t, err := native.ParseType(typ)
		if err != nil {
			return "", false, fmt.Errorf("{%s:%s}: %w", name, typ, err)
		}
		text, err := ex.bound(t, moment)
		return text, true, err
	})
	switch {
	case err != nil:
		return "", fmt.Errorf("query: %w", err)
	case w.Runs && !used["runs"]:
		return "", errors.New("query: it goes by runs and nothing in it says so: write {runs} as a condition of WHERE")
	case w.From != "" && !(used["since"] && used["until"]):
		return "", errors.New("query: it has a watermark and doesn't use it: write for example WHERE updated > {since:DateTime} AND updated <= {until:DateTime}")
	}
	return sql, nil
}

// runs is the condition that a row was loaded by a run that has ended since the last delivery. A run that was under way then has a lower number than others
// that were delivered.
func (ex *Exporter) runs(d *outgoing) string {
	column := native.Identifier(ex.Job.Watermark.RunColumn)
	lineage := func(run uint64) string {
		if ex.Ledger != nil { // a check has none: its question is only explained
			run = ex.Ledger.Lineage(run)
		}
		return strconv.FormatUint(run, 10)
	}
	among := func(runs []uint64) string {
		texts := make([]string, len(runs))
		for i, run := range runs {
			texts[i] = lineage(run)
		}
		return " (" + strings.Join(texts, ", ") + ")"
	}
	condition := column + " > " + lineage(d.after.UpTo) + " AND " + column + " <= " + lineage(d.is.Cut.UpTo)
	if len(d.is.Cut.Open) > 0 {
		condition += " AND " + column + " NOT IN" + among(d.is.Cut.Open)
	}
	ended := slices.DeleteFunc(slices.Clone(d.after.Open), func(run uint64) bool { return slices.Contains(d.is.Cut.Open, run) })
	if len(ended) > 0 {
		condition = condition + " OR " + column + " IN" + among(ended)
	}
	return condition
}

// columnType asks for the type of the column that the watermark is about.
func (ex *Exporter) columnType(ctx context.Context, s connectors.Session) (t *native.Type, err error) {
	j := ex.Job
	sql := "SELECT " + native.Identifier(j.Watermark.From) + " FROM " + native.Table(j.Table.Database, j.Table.Table) + " LIMIT 0"
	err = s.Query(ctx, connectors.Statement{SQL: sql}, func(b *native.Block) error {
		t = b.Columns[0].Type
		return nil
	})
	if err == nil && t == nil {
		err = errors.New("the server gave no answer: not even columns")
	}
	if err != nil {
		return nil, fmt.Errorf("find out the type of watermark.from, %q: %w", j.Watermark.From, err)
	}
	return t, nil
}

// bound is a moment as a value of a type. Of a type with days it is the last one that was over.
func (ex *Exporter) bound(t *native.Type, at time.Time) (string, error) {
	for t.Kind == native.Nullable || t.Kind == native.LowCardinality {
		t = t.Elem()
	}
	if at.IsZero() {
		at = time.Unix(0, 0)
	}
	day := ex.wholeDay(at)
	if day.Year() < 1970 {
		day = time.Unix(0, 0).UTC()
	}
	switch unix := strconv.FormatInt(at.Unix(), 10); t.Kind {
	case native.Date:
		return "toDate('" + day.Format(time.DateOnly) + "')", nil
	case native.Date32:
		return "toDate32('" + day.Format(time.DateOnly) + "')", nil
	case native.DateTime:
		return "toDateTime(" + unix + ")", nil
	case native.DateTime64:
		return "toDateTime64(" + unix + ", " + strconv.Itoa(t.Scale) + ")", nil
	}
	return "", fmt.Errorf("%s isn't a type for it: Date and DateTime types are", t)
}

// wholeDay is the last day that was over at a moment.
func (ex *Exporter) wholeDay(at time.Time) time.Time {
	day := at.In(ex.Job.Timezone.Location()).AddDate(0, 0, -1)
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
}
