package oracle

import "fmt"

// absent asks that there is no such file. It cannot see one that was there and was
// removed before the end.
func absent(k *look) error {
	there, err := exists(k.File)
	if err != nil {
		return fmt.Errorf("look for the file: %w", withoutPath(err))
	}
	if there {
		return broken(Left, -1, "the file is there, and should not be")
	}
	return nil
}

// present asks that there is such a file. It sees nothing of its content.
func present(k *look) error {
	there, err := exists(k.File)
	if err != nil {
		return fmt.Errorf("look for the file: %w", withoutPath(err))
	}
	if !there {
		return &absence{"there is no such file"}
	}
	return nil
}
