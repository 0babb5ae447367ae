package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"chute/config"
	"chute/connectors"
	"chute/connectors/native"
	"chute/pipeline/query"
)

// choose makes the question.
func (ex *Exporter) choose(ctx context.Context, d *outgoing) (err error) {
	if d.session, err = ex.session(ctx, ""); err != nil {
		return err
	}
	if err := ex.window(ctx, d); err != nil {
		return err
	}
	sql, err := ex.narrowed(ctx, d)
	if err != nil {
		return err
	}
	if d.asked, err = query.Prepare(ctx, d.session, sql); err != nil {
		return fmt.Errorf("%s: %w", map[bool]string{true: "query", false: "the job's table, columns, filter or order_by"}[ex.Job.Query != ""], err)
	}
	if err := ex.named(ctx, d.session, d.asked); err != nil {
		return err
	}
	d.asked.Settings["max_block_size"] = strconv.FormatInt(ex.blockRows(), 10)
	d.asked.ID = fmt.Sprintf("chute/%s/%d/export", ex.Ledger.ID(), d.run.ID)
	d.run.Server = d.session.Server().Address
	if ex.Job.Query == "" {
		d.run.Target = native.Table(ex.Job.Table.Database, ex.Job.Table.Table)
	}
	return nil
}

// blockRows are as many rows as a block has at most: several are printed at a time, and each takes its memory, as the engine has one of each file that it merges
// when it sorts on the disk.
func (ex *Exporter) blockRows() int64 {
	const most, least = 8192, 1024
	if ex.EngineMemory == 0 {
		return most
	}
	return min(most, max(least, ex.EngineMemory>>15))
}

// chosen are the columns of the job's table that are delivered: those that it names, or all but those in which imports keep run and record. nil: all there are.
func (ex *Exporter) chosen(ctx context.Context, s connectors.Session) (names []string, err error) {
	j := ex.Job
	if len(j.Columns) > 0 {
		return j.Columns, nil
	}
	sql := "SELECT * FROM " + native.Table(j.Table.Database, j.Table.Table) + " LIMIT 0"
	all := 0
	err = s.Query(ctx, connectors.Statement{SQL: sql}, func(b *native.Block) error {
		names, all = nil, len(b.Columns)
		for _, c := range b.Columns {
			if !slices.Contains(j.Lineage, c.Name) {
				names = append(names, c.Name)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find out the columns of the table: %w", err)
	}
	if len(names) == all {
		return nil, nil
	}
	return names, nil
}

// question is the SELECT of a job with a table; chosen are its columns, and further is a condition of the window, "" for none.
func (ex *Exporter) question(chosen []string, further string) string {
	j := ex.Job
	var b strings.Builder
	b.WriteString("SELECT ")
	if j.Distinct {
		b.WriteString("DISTINCT ")
	}
	columns, computed := "*", false
	if len(chosen) > 0 {
		columns = listed(chosen, func(name string) string {
			expression := j.Expression(name)
			if expression == "" {
				return native.Identifier(name)
			}
			computed = true
			return "(" + expression + "\n) AS " + native.Identifier(name) // behind a line end, for it may end in a comment
		})
	}
	b.WriteString(columns + " FROM ")
	from := native.Table(j.Table.Database, j.Table.Table) + ex.conditions(further)
	if computed { // what conditions are about are the table's columns, whatever is made of them under the same name
		from = "(SELECT * FROM " + from + ")"
	}
	b.WriteString(from)
	if len(j.GroupBy) > 0 {
		b.WriteString(" GROUP BY " + listed(j.GroupBy, native.Identifier))
	}
	order := j.OrderBy
	if first := j.Split.Column; first != "" && (len(order) == 0 || config.SortColumn(order[0]).Name != first) {
		order = append([]string{first + " ASC"}, order...)
	}
	if j.Limit > 0 && len(order) > len(j.OrderBy) { // which rows there are is told by the job's own order
		inner := b.String() + orderedBy(j.OrderBy) + " LIMIT " + strconv.Itoa(j.Limit)
		return "SELECT * FROM (" + inner + ")" + orderedBy(order)
	}
	b.WriteString(orderedBy(order))
	if j.Limit > 0 {
		b.WriteString(" LIMIT " + strconv.Itoa(j.Limit))
	}
	return b.String()
}

// expressions makes sure that what the job says in SQL stays where it is put: a filter that isn't one expression could switch the window off.
func (ex *Exporter) expressions() error {
	if filter := ex.Job.Filter; filter != "" {
		if err := query.Expression(filter); err != nil {
			return &Misasked{"filter", err}
		}
	}
	for _, name := range ex.Job.Columns {
		if expression := ex.Job.Expression(name); expression != "" {
			if err := query.Expression(expression); err != nil {
				return &Misasked{fmt.Sprintf("the expression of column %.60q", name), err}
			}
		}
	}
	return nil
}

// conditions is the clause that rows of the table must meet.
func (ex *Exporter) conditions(further string) string {
	var all []string
	if ex.Job.Filter != "" {
		all = append(all, "("+ex.Job.Filter+"\n)") // behind the line end, for the filter may end in a comment
	}
	if further != "" {
		all = append(all, "("+further+")")
	}
	if len(all) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(all, " AND ")
}

// orderedBy is the clause that sorts by some columns.
func orderedBy(columns []string) string {
	if len(columns) == 0 {
		return ""
	}
	return " ORDER BY " + listed(columns, func(text string) string {
		sorting := config.SortColumn(text)
		if sorting.Desc {
			return native.Identifier(sorting.Name) + " DESC"
		}
		return native.Identifier(sorting.Name)
	})
}

func listed(texts []string, each func(string) string) string {
	made := make([]string, len(texts))
	for i, text := range texts {
		made[i] = each(text)
	}
	return strings.Join(made, ", ")
}

// Ask asks for the first rows of the answer, without a delivery. tell is given the question first.
func (ex *Exporter) Ask(ctx context.Context, why Occasion, rows int, tell func(sql string) error, each func(*native.Block) error) (err error) {
	d := &outgoing{ex: ex, since: why.Since}
	if d.is.Cut, err = ex.Ledger.Cut(ctx); err == nil {
		err = ex.choose(ctx, d)
	}
	st := d.asked
	if err == nil {
		err = tell(st.SQL)
	}
	if err != nil {
		return err
	}
	st.ID = ""
	st.SQL = fmt.Sprintf("SELECT * FROM (%s\n) LIMIT %d", st.SQL, rows)
	return d.session.Query(ctx, st, each)
}
