package pipeline

import (
	"sync/atomic"
	"time"

	"chute/connectors"
)

// Progress is how far a run has come. The run writes it; anybody may read it, at any time.
type Progress struct {
	Run   uint64
	File  connectors.File
	Began time.Time // the first reading

	step             atomic.Pointer[string]
	bytes            atomic.Int64
	records, rejects atomic.Uint64
}

// Step is the part of the way that the run is on, by its name in the operators' report; "" when it is over, or waits to be tried again.
func (p *Progress) Step() string { return *p.step.Load() }

// Bytes is how many of the file's bytes, as delivered, have been read.
func (p *Progress) Bytes() int64 { return p.bytes.Load() }

// Records is how many records were found so far, and how many of them were refused.
func (p *Progress) Records() (all, rejects uint64) { return p.records.Load(), p.rejects.Load() }

// follow begins a reading of the file, perhaps again.
func (im *Importer) follow(it *item) {
	if im.Progress == nil {
		return
	}
	if it.progress == nil {
		it.progress = &Progress{Run: it.run.ID, File: it.run.File, Began: now()}
		it.progress.at("load")
		im.Progress(it.progress)
	}
	it.progress.bytes.Store(0)
	it.progress.count(0, 0)
}

// at, read and count do nothing when nobody wants to know.
func (p *Progress) at(step string) {
	if p != nil {
		p.step.Store(&step)
	}
}

func (p *Progress) read(bytes int64) {
	if p != nil {
		p.bytes.Store(bytes)
	}
}

func (p *Progress) count(records, rejects uint64) {
	if p != nil {
		p.records.Store(records)
		p.rejects.Store(rejects)
	}
}
