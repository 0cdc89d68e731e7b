package ledger

import "sunsetwatch/rules/access"

// month is a UTC month, counted from January of the year 0.
type month int32

// monthOf is the month of a day and the day's number in it, from 0.
// The algorithm is days_from_civil backwards: Howard Hinnant, "chrono-Compatible
// Low-Level Date Algorithms".
func monthOf(d access.Day) (m month, dayOfMonth int) {
	z := int64(d) + 719468
	era := z / 146097
	if z < 0 {
		era = (z - 146096) / 146097
	}
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	year := yoe + era*400
	mon := mp + 2 // January is 0
	if mon > 11 {
		mon -= 12
		year++
	}
	return month(year*12 + mon), int(doy - (153*mp+2)/5)
}

// start is the first day of m.
func (m month) start() access.Day {
	year, mon := int64(m)/12, int64(m)%12
	if mon < 2 {
		year--
	}
	era := year / 400
	if year < 0 {
		era = (year - 399) / 400
	}
	yoe := year - era*400
	mp := (mon + 10) % 12
	doy := (153*mp + 2) / 5
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return access.Day(era*146097 + doe - 719468)
}
