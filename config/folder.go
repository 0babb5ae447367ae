package config

// JobsFolder reads only chute.toml and returns the folder of the job files.
func JobsFolder(file string) (string, error) {
	l := newLoader(file)
	l.readChute()
	if err := l.problems.err(); err != nil {
		return "", err
	}
	return l.chute.Jobs.Dir, nil
}
