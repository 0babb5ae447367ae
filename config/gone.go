package config

import "reflect"

// Gone is a job that isn't configured any more, as far as one is needed to put away a file that it had taken: with all defaults, and the folders beside its inbox.
func Gone(name, store, inbox string) *Job {
	job := &Job{Name: name, Store: store, Inbox: inbox}
	setDefaults(reflect.ValueOf(job).Elem())
	fillJob(job)
	return job
}
