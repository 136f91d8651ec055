package tnt

// spaceNames finds spaces by their names, as every request that names one does.
type spaceNames struct {
	all map[string]*Space
	// near has most of them where their names' length and last letter say, for
	// to hash a name takes a fourth of the time of encoding a Select
	// (BenchmarkEncode: 46 ns, now 36).
	near [nearSpaces]*Space
}

const nearSpaces = 64

// firstUserSpace is the first number of a space that is not the server's own.
const firstUserSpace = 512

// nearest returns the place of a name, which is not empty.
func nearest(name string) int {
	return (len(name)*8 ^ int(name[len(name)-1])) % nearSpaces
}

func (s *spaceNames) add(space *Space) {
	s.all[space.Name] = space
	if space.Name == "" {
		return
	}
	if near := &s.near[nearest(space.Name)]; *near == nil || (*near).ID < firstUserSpace {
		*near = space
	}
}

// find returns nil where there is none of that name.
func (s *spaceNames) find(name string) *Space {
	if name != "" {
		if near := s.near[nearest(name)]; near != nil && near.Name == name {
			return near
		}
	}
	return s.all[name]
}
