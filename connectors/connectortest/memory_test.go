package connectortest

import (
	"io/fs"
	"testing"
)

func memoryUnderTest(*testing.T) FolderUnderTest {
	m := NewMemory(".chute")
	return FolderUnderTest{
		Folder:  m,
		Work:    m.Work,
		Put:     func(_ *testing.T, name string, content []byte) { m.Put(name, content) },
		Special: func(_ *testing.T, name string, mode fs.FileMode, _ string) { m.Special(name, mode) },
	}
}

func TestMemoryFolder(t *testing.T) { Folder(t, memoryUnderTest) }

func TestFaultyFolderWithoutFaults(t *testing.T) {
	Folder(t, func(t *testing.T) FolderUnderTest {
		u := memoryUnderTest(t)
		u.Folder = &FaultyFolder{Folder: u.Folder}
		return u
	})
}
