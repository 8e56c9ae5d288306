package oracle

import "fmt"

// resumable asks that a further run to the end, in the folder that the stop left,
// leaves what an undisturbed run leaves. It sees work that is lost or done twice wherever
// it shows in the result. It cannot see a run that just began anew, and it takes a
// target for damaged whose undisturbed runs do not all leave the same bytes.
func resumable(k *look) error {
	switch {
	case !k.HasReference:
		return fmt.Errorf("there is no undisturbed run to hold the file against")
	case !k.HasResumed:
		return fmt.Errorf("the target was not started again to the end")
	case k.Resumed == "" && k.Reference == "":
		return nil
	case k.Resumed == "":
		return &absence{"there is no such file after the run that went on, and an undisturbed run leaves one"}
	case k.Reference == "":
		return broken(Created, -1, "the run that went on leaves the file, and an undisturbed run does not")
	}
	resumed, err := k.openOther(k.Resumed, "what the run that went on left")
	if err != nil {
		return err
	}
	reference, err := k.openOther(k.Reference, "what the undisturbed run left")
	if err != nil {
		return err
	}
	return differing(resumed, reference, nil, "what an undisturbed run leaves")
}
