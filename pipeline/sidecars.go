package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"

	"chute/config"
	"chute/pipeline/ledger"
	"chute/pipeline/reject"
	"chute/pipeline/report"
)

// writeSidecars writes everything that is told about the files: what will lie beside them, for partners, and the full report, for
// operators. It also fixes the names under which all of it is going to lie.
func (im *Importer) writeSidecars(ctx context.Context, b *batch) error {
	return im.effect("sidecars", func() error {
		for _, it := range b.active() {
			im.setStatus(it)
			if err := im.writeReports(ctx, b, it); err != nil {
				return fmt.Errorf("write the reports of %q: %w", it.run.File.Name, err)
			}
		}
		return im.syncOut(ctx, b)
	})
}

// setStatus writes down what became of the file's records: of a rejected or skipped file nothing is loaded.
func (im *Importer) setStatus(it *item) {
	r := &it.run
	r.Warnings = uint64(len(it.result.warnings))
	switch {
	case it.rejection != nil:
		r.Status, r.Accepted = ledger.Rejected, 0
	case it.skip != nil:
		r.Status, r.Accepted, r.SameAs = ledger.Skipped, 0, it.skip.Holder.ID
	case r.Rejects > 0:
		r.Status = ledger.FinishedWithRejects
	default:
		r.Status = ledger.Finished
	}
}

func (im *Importer) writeReports(ctx context.Context, b *batch, it *item) error {
	outputs, err := im.rejectFiles(ctx, it)
	if err != nil {
		return err
	}
	if err := im.planMoves(ctx, b, it, outputs); err != nil {
		return err
	}
	full := im.report(b, it)
	if err := full.Check(); err != nil {
		return err
	}
	if it.run.Report, err = full.JSON(); err != nil {
		return err
	}
	text, err := full.Partner.JSON()
	if err != nil {
		return err
	}
	if err := im.writeFile(ctx, b.outName(it, reportSuffix), text); err != nil {
		return err
	}
	if err := im.writeFile(ctx, b.outName(it, logSuffix), full.Partner.Log()); err != nil {
		return err
	}
	return full.WriteOperator(filepath.Join(im.RunsDir, strconv.FormatUint(it.run.ID, 10)))
}

// rejectFiles lists the reject files. One with records is given up when the file is rejected after all: the file itself is
// what to mend then. Of a skipped file they lie beside the one that was loaded.
func (im *Importer) rejectFiles(ctx context.Context, it *item) ([]reject.Output, error) {
	var kept []reject.Output
	records := reject.NamesFor(it.run.File.Name).Records
	for _, o := range it.result.outputs {
		if it.skip != nil || it.rejection != nil && o.Name == records {
			if err := im.Store.Remove(ctx, o.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			continue
		}
		kept = append(kept, o)
	}
	return kept, nil
}

// planMoves chooses the names under which everything will lie: plain ones, or, where such a name is taken already, ones with the run's number. The
// sidecars are called after the file, which goes last.
func (im *Importer) planMoves(ctx context.Context, b *batch, it *item, rejects []reject.Output) error {
	dir, err := im.archive(it)
	if err != nil {
		return err
	}
	it.run.Moves = nil
	for _, o := range rejects {
		it.run.Moves = append(it.run.Moves, ledger.Move{From: o.Path, To: path.Join(dir, im.free(ctx, dir, o.Name, it.run.ID, ""))})
	}
	name := im.free(ctx, dir, it.run.File.Name, it.run.ID, it.rejectName(), "."+logSuffix, "."+reportSuffix)
	for _, suffix := range []string{logSuffix, reportSuffix} {
		it.run.Moves = append(it.run.Moves, ledger.Move{From: b.outName(it, suffix), To: path.Join(dir, name+"."+suffix)})
	}
	if !im.InPlace {
		it.run.Moves = append(it.run.Moves, ledger.Move{From: b.fileName(it), To: path.Join(dir, name)})
	}
	return nil
}

// What the partner's sidecars are called behind the file's name.
const (
	logSuffix    = "log"
	reportSuffix = "report.json"
)

// rejectName is the name that a reject file of the run takes in the file's own folder, "" without one: a returned NAME.rejects.EXT has the same.
func (it *item) rejectName() string {
	for _, m := range it.run.Moves {
		if path.Base(m.To) == it.run.File.Name {
			return it.run.File.Name
		}
	}
	return ""
}

// free returns the name, or one with the run's number, that neither exists in the folder nor is the one that is taken, with none of the
// suffixes either.
func (im *Importer) free(ctx context.Context, dir, name string, run uint64, taken string, suffixes ...string) string {
	candidate := name
	for try := 1; ; try++ {
		used := candidate == taken || im.exists(ctx, path.Join(dir, candidate))
		for _, suffix := range suffixes {
			used = used || im.exists(ctx, path.Join(dir, candidate+suffix))
		}
		if !used {
			return candidate
		}
		candidate = numbered(name, run, try)
	}
}

// archive is the folder that a file ends in.
func (im *Importer) archive(it *item) (string, error) {
	if im.InPlace {
		return im.Out(it.run.ID), nil
	}
	pattern := im.Job.Done
	if it.rejection != nil {
		pattern = im.Job.Rejected
	}
	return pattern.Expand(it.run.Started.In(im.Job.Timezone.Location()), it.vars)
}

// outName is where a sidecar lies ready in the work folder. They all lie in one folder: one sync does for a batch.
func (b *batch) outName(it *item, what string) string {
	return path.Join(b.folder, outFolder, strconv.FormatUint(it.run.ID, 10)+"."+what)
}

// rejectFolder is where a file's reject files lie ready, if it has any.
func (b *batch) rejectFolder(it *item) string {
	return path.Join(b.folder, outFolder, strconv.FormatUint(it.run.ID, 10))
}

// outFolders are the folders from which sidecars of the files go out.
func (b *batch) outFolders(items []*item) []string {
	dirs := []string{path.Join(b.folder, outFolder)}
	for _, it := range items {
		for _, m := range it.run.Moves {
			if dir := path.Dir(m.From); dir == b.rejectFolder(it) {
				dirs = append(dirs, dir)
				break
			}
		}
	}
	return dirs
}

func (im *Importer) syncOut(ctx context.Context, b *batch) error {
	return im.Store.Sync(ctx, append(b.outFolders(b.active()), b.folder)...)
}

// report gathers what there is to say about a run.
func (im *Importer) report(b *batch, it *item) *report.Report {
	r := &it.run
	full := &report.Report{
		Partner: report.Partner{
			Schema: report.Schema, Run: r.ID, Job: report.Text(r.Job), Label: report.Text(im.Job.Label),
			File:    report.File{Name: report.Text(r.File.Name), Size: r.File.Size, SHA256: r.SHA256, Received: r.Started},
			Started: r.Started, Finished: now(), Result: resultOf(it),
		},
		Ledger: im.Ledger.ID(), Store: report.Text(r.Store), Path: report.Text(r.Inbox), JobHash: r.JobHash, Stage: report.Text(r.Stage),
	}
	if b.target != nil {
		server := b.session.Server()
		full.Server, full.Version = report.Text(server.Address), server.Version
		full.Table, full.Promise = report.Text(b.target.Table()), report.Text(b.target.Promise(server))
	}
	im.fillPartner(it, &full.Partner)
	if r.Error != "" {
		full.Failures = append(full.Failures, report.Failure{Time: r.Started, Step: string(r.State), Error: report.Text(r.Error)})
	}
	return full
}

func (im *Importer) fillPartner(it *item, p *report.Partner) {
	r := &it.run
	p.Counts = report.Counts{Total: r.Records, Processed: r.Records, Success: r.Accepted, Inserted: r.Accepted}
	switch {
	case it.rejection != nil:
		p.Rejection = &report.Rejection{Code: it.rejection.Code, Message: report.Text(it.rejection.Message)}
	case it.skip != nil:
		holder := it.skip.Holder
		p.SameAs = &report.SameAs{Run: holder.ID, Name: report.Text(holder.File.Name), Finished: holder.Finished}
	}
	if it.skip == nil {
		it.result.tally.Fill(p)
		p.Counts.Rejects = r.Rejects
	}
	p.Counts.Skipped = p.Counts.Processed - p.Counts.Success - p.Counts.Rejects
	p.Warnings = slices.Clone(it.result.warnings)
	p.Counts.Warnings = uint64(len(p.Warnings))
	p.Dialect = im.dialect(it)
	p.RejectFiles = rejectNames(it)
}

// rejectNames tells the partner what the reject files are called.
func rejectNames(it *item) *report.RejectFiles {
	files := &report.RejectFiles{}
	for _, o := range it.result.outputs {
		for _, m := range it.run.Moves {
			if m.From != o.Path {
				continue
			}
			name := report.Text(path.Base(m.To))
			if path.Ext(o.Path) == ".jsonl" && o.Name == reject.NamesFor(it.run.File.Name).Reasons {
				files.Reasons = name
			} else {
				files.Records = name
			}
		}
	}
	if files.Reasons == "" && files.Records == "" {
		return nil
	}
	return files
}

func (im *Importer) dialect(it *item) *report.Dialect {
	if it.result.compression == "" {
		return nil
	}
	f := im.Job.Format
	d := &report.Dialect{
		Type: f.Type, Compression: it.result.compression, Encoding: f.Encoding, Delimiter: report.Text(f.Delimiter),
		Quote: report.Text(f.Quote), LineEnd: f.LineEnd, Header: f.Header,
	}
	for _, name := range it.result.header {
		d.Columns = append(d.Columns, report.Text(name))
	}
	return d
}

func resultOf(it *item) report.Result {
	switch it.run.Status {
	case ledger.Rejected:
		return report.Rejected
	case ledger.Skipped:
		return report.Skipped
	case ledger.FinishedWithRejects:
		return report.LoadedWithRejects
	}
	return report.Loaded
}

// numbered makes another name of one that is taken: orders.csv becomes orders.17.csv. Behind .rejects the number doesn't keep the name
// from matching its job: orders.rejects-17.csv.
func numbered(name string, run uint64, try int) string {
	number := strconv.FormatUint(run, 10)
	if try > 1 {
		number += "-" + strconv.Itoa(try)
	}
	dir, base := path.Split(name)
	stem, ext := base, ""
	for _, suffix := range []string{".gz", ".zst"} {
		if len(stem) > len(suffix) && path.Ext(stem) == suffix {
			stem, ext = stem[:len(stem)-len(suffix)], suffix
			break
		}
	}
	if e := path.Ext(stem); e != "" && e != stem {
		stem, ext = stem[:len(stem)-len(e)], e+ext
	}
	if _, returned := config.WithoutRejects(base); returned {
		return dir + stem + "-" + number + ext
	}
	return dir + stem + "." + number + ext
}
