// What is heard: an element for each voice; browsers may want a click before they play any.
import { byId } from "./page.js";

/** @type {Map<LiveTrack, HTMLMediaElement>} */
const playing = new Map();

/**
 * Play the microphones and screens of those whom our list knows, and nobody else's.
 * @param {Room | null} room
 * @param {Set<string>} known
 */
export function play(room, known) {
  const { Source } = LivekitClient.Track;
  const wanted = new Set();
  for (const one of room?.remoteParticipants.values() ?? []) {
    if (!known.has(one.identity)) continue;
    for (const source of [Source.Microphone, Source.ScreenShareAudio]) {
      const track = one.getTrackPublication(source)?.track;
      if (track) wanted.add(track);
    }
  }
  for (const [track, element] of playing) {
    if (wanted.has(track)) continue;
    track.detach(element);
    element.remove();
    playing.delete(track);
  }
  for (const track of wanted) {
    if (playing.has(track)) continue;
    const element = track.attach();
    byId("sounds").append(element);
    playing.set(track, element);
  }
}
