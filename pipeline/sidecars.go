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
	"sync"

	"chute/connectors"
	"chute/pipeline/ledger"
	"chute/pipeline/reject"
	"chute/pipeline/report"
)

// writeSidecars writes everything that is told about the files: what will lie beside them, for partners, and the full report, for
// operators. It also fixes the names under which all of it is going to lie.
func (im *Importer) writeSidecars(ctx context.Context, b *batch) error {
	return im.effect("sidecars", func() error {
		var reports []*report.Report
		var files []connectors.NewFile
		for _, it := range b.active() {
			im.setStatus(it)
			full, sidecars, err := im.tell(ctx, b, it)
			if err != nil {
				return fmt.Errorf("write the reports of %q: %w", it.run.File.Name, err)
			}
			reports, files = append(reports, full), append(files, sidecars...)
		}
		if err := im.writeTexts(ctx, files, reports); err != nil {
			return err
		}
		return im.syncOut(ctx, b)
	})
}

// writeTexts writes what is for partners and what is for operators. Of a batch it does both at the same time: making so many files is
// more work for the kernel than all the rest of the batch.
func (im *Importer) writeTexts(ctx context.Context, files []connectors.NewFile, reports []*report.Report) error {
	if len(reports) == 1 {
		if err := im.writePartners(ctx, files); err != nil {
			return err
		}
		return im.writeOperators(reports)
	}
	var operators error
	var meanwhile sync.WaitGroup
	meanwhile.Go(func() { operators = im.writeOperators(reports) })
	partners := im.writePartners(ctx, files)
	meanwhile.Wait()
	return errors.Join(partners, operators)
}

func (im *Importer) writePartners(ctx context.Context, files []connectors.NewFile) error {
	if err := im.writeFiles(ctx, files); err != nil {
		return fmt.Errorf("write %d sidecars: %w", len(files), err)
	}
	return nil
}

// setStatus writes down what became of the file's records: of a rejected or skipped file nothing is loaded.
func (im *Importer) setStatus(it *item) {
	r := &it.run
	r.Warnings = it.countWarnings()
	switch {
	case it.rejection != nil && it.rejection.Code == "cancelled":
		r.Status, r.Accepted = ledger.Cancelled, 0
	case it.rejection != nil:
		r.Status, r.Accepted = ledger.Rejected, 0
	case it.skip != nil:
		r.Status, r.Accepted, r.Rejects, r.SameAs = ledger.Skipped, 0, 0, it.skip.Holder.ID
	case r.Rejects > 0:
		r.Status = ledger.FinishedWithRejects
	default:
		r.Status = ledger.Finished
	}
}

// writeOperators writes the full reports; those of a batch share their syncs.
func (im *Importer) writeOperators(reports []*report.Report) error {
	if len(reports) == 1 {
		return reports[0].WriteOperator(filepath.Join(im.RunsDir, strconv.FormatUint(reports[0].Run, 10)))
	}
	return report.WriteOperators(im.RunsDir, reports)
}

// tell makes the report of a file and, of it, the partner's sidecars.
func (im *Importer) tell(ctx context.Context, b *batch, it *item) (*report.Report, []connectors.NewFile, error) {
	outputs, err := im.rejectFiles(ctx, it)
	if err != nil {
		return nil, nil, err
	}
	if err := im.planMoves(ctx, b, it, outputs); err != nil {
		return nil, nil, err
	}
	full := im.report(b, it)
	if err := full.Check(); err != nil {
		return nil, nil, err
	}
	if it.run.Report, err = full.JSON(); err != nil {
		return nil, nil, err
	}
	full.Encoded = it.run.Report
	text, err := full.Partner.JSON()
	if err != nil {
		return nil, nil, err
	}
	return full, []connectors.NewFile{
		{Name: b.outName(it, reportSuffix), Content: text},
		{Name: b.outName(it, logSuffix), Content: full.Partner.Log()},
	}, nil
}

// writeFiles writes files of chute's own into the work folder: those of a batch share one sync, where the store can do that. Files of the same names
// are left from an earlier try and make room.
func (im *Importer) writeFiles(ctx context.Context, files []connectors.NewFile) error {
	filer, ok := im.Store.(connectors.Filer)
	if !ok || len(files) <= 2 { // one sync of all that others have written would be dearer than two of two small files
		for _, f := range files {
			if err := im.writeFile(ctx, f.Name, f.Content); err != nil {
				return err
			}
		}
		return nil
	}
	err := filer.CreateAll(ctx, files)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, f := range files {
		if err := im.Store.Remove(ctx, f.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return filer.CreateAll(ctx, files)
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
	if b.target != nil && b.target.Lineage.Known() {
		full.Lineage = im.Ledger.Lineage(r.ID)
	}
	full.Steps = slices.Clone(b.steps)
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
		p.SameAs = sameAs(it.skip)
	}
	if it.skip == nil {
		it.result.tally.Fill(p)
		p.Counts.Rejects = r.Rejects
	}
	p.Counts.Skipped = p.Counts.Processed - p.Counts.Success - p.Counts.Rejects
	p.Warnings = slices.Clone(it.result.warnings)
	p.Counts.Warnings = it.countWarnings()
	p.Dialect = im.dialect(it)
	p.RejectFiles = rejectNames(it, im.Job.Errors.MaxDetails)
}

// sameAs names the run that loaded a file.
func sameAs(taken *ledger.Taken) *report.SameAs {
	holder := taken.Holder
	return &report.SameAs{Run: holder.ID, Name: report.Text(holder.File.Name), Finished: holder.Finished}
}

// rejectNames tells the partner what the reject files are called.
func rejectNames(it *item, details int) *report.RejectFiles {
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
	if counts := it.result.rejects.Counts(); counts.Reasons > uint64(max(0, details)) {
		files.Omitted = counts.Reasons - uint64(max(0, details))
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
	case ledger.Rejected, ledger.Cancelled:
		return report.Rejected
	case ledger.Skipped:
		return report.Skipped
	case ledger.FinishedWithRejects:
		return report.LoadedWithRejects
	}
	return report.Loaded
}
