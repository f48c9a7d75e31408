// Everybody who is connected, as our list knows them: the teacher first, then oneself, then as they came.
import { Roster } from "./roster.js";

const STRANGER = { name: "Guest", teacher: false };

/**
 * @param {Room} room
 * @param {Roster} roster
 * @param {Set<string>} hands
 * @returns {Person[]}
 */
export function peopleIn(room, roster, hands) {
  const me = room.localParticipant;
  return [me, ...room.remoteParticipants.values()]
    .map((one) => person(one, one === me, roster, hands))
    .sort((a, b) => rank(a) - rank(b) || a.joinedAt - b.joinedAt);
}

/**
 * @param {Participant} one
 * @param {boolean} me
 * @param {Roster} roster
 * @param {Set<string>} hands
 * @returns {Person}
 */
function person(one, me, roster, hands) {
  const { Source } = LivekitClient.Track;
  const listed = roster.find(one.identity) ?? (me ? roster.state?.me : undefined);
  return {
    identity: one.identity,
    ...(listed ?? STRANGER),
    me,
    known: Boolean(listed),
    muted: !one.isMicrophoneEnabled,
    speaking: one.isSpeaking && one.isMicrophoneEnabled,
    quality: one.connectionQuality,
    hand: hands.has(one.identity),
    joinedAt: one.joinedAt?.getTime() ?? 0,
    camera: listed && liveTrack(one, Source.Camera),
    screen: listed && liveTrack(one, Source.ScreenShare),
  };
}

/**
 * @param {Participant} one
 * @param {Parameters<Participant["getTrackPublication"]>[0]} source
 */
function liveTrack(one, source) {
  const publication = one.getTrackPublication(source);
  return publication && !publication.isMuted ? publication.track : undefined;
}

/** @param {Person} person */
const rank = ({ teacher, me }) => (teacher ? 0 : me ? 1 : 2);
