package config

// LoadChute reads only chute.toml: for what has nothing to do with jobs, whatever is wrong with them.
func LoadChute(file string) (*Chute, error) {
	l := newLoader(file)
	l.readInstallation()
	if err := l.problems.err(); err != nil {
		return nil, err
	}
	return l.chute, nil
}

// JobsFolder reads only chute.toml and returns the folder of the job files.
func JobsFolder(file string) (string, error) {
	l := newLoader(file)
	l.readChute()
	if err := l.problems.err(); err != nil {
		return "", err
	}
	return l.chute.Jobs.Dir, nil
}
