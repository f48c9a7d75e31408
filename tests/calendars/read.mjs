// What ical.js understands of the iCalendar at an address, or on standard input: JSON.

import { text } from "node:stream/consumers";
import ICAL from "ical.js";

const [address] = process.argv.slice(2);
const source = address ? await (await fetch(address)).text() : await text(process.stdin);
const calendar = new ICAL.Component(ICAL.parse(source));
const people = (component, name) =>
  component.getAllProperties(name).map((property) => ({
    address: property.getFirstValue(),
    ...Object.fromEntries(
      ["cn", "partstat", "rsvp", "role"].map((key) => [key, property.getParameter(key)]),
    ),
  }));

const events = calendar.getAllSubcomponents("vevent").map((component) => {
  const event = new ICAL.Event(component);
  return {
    uid: event.uid,
    sequence: event.sequence,
    status: component.getFirstPropertyValue("status"),
    start: event.startDate.toJSDate().toISOString(),
    end: event.endDate.toJSDate().toISOString(),
    zone: event.startDate.zone.tzid,
    title: event.summary,
    description: event.description,
    place: event.location,
    url: component.getFirstPropertyValue("url"),
    organizer: people(component, "organizer"),
    attendees: people(component, "attendee"),
  };
});

const refresh = calendar.getFirstPropertyValue("refresh-interval");
console.log(
  JSON.stringify({
    name: calendar.getFirstPropertyValue("x-wr-calname"),
    method: calendar.getFirstPropertyValue("method"),
    refresh: refresh && refresh.toSeconds(),
    events,
  }),
);
