// What the room's modules speak of: LiveKit's client as they use it, and what our server answers.
import type * as Client from "livekit-client";

/** The real one has all of it; what a double lacks, `tsc` says. */
export type Whole<Real extends LiveKit = typeof Client> = Real;

declare global {
  /** LiveKit's own file puts this on the window. Only what stands here is used, so a double can be whole. */
  const LivekitClient: LiveKit;

  type LiveKit = { Room: new (options?: Client.RoomOptions) => Room; Track: { Source: typeof Client.Track.Source } } & Pick<
    typeof Client,
    "setLogLevel"
  >;
  type Room = Pick<
    Client.Room,
    | "on"
    | "connect"
    | "disconnect"
    | "canPlaybackAudio"
    | "startAudio"
    | "switchActiveDevice"
    | "getActiveDevice"
  > & { localParticipant: LocalParticipant; remoteParticipants: Map<string, RemoteParticipant> };
  type Participant = Pick<
    Client.Participant,
    "identity" | "isSpeaking" | "connectionQuality" | "joinedAt" | "isMicrophoneEnabled" | "isCameraEnabled"
  > & { getTrackPublication(source: Client.Track.Source): Publication | undefined };
  type RemoteParticipant = Participant;
  type LocalParticipant = Participant &
    Pick<Client.LocalParticipant, "isScreenShareEnabled"> & {
      setCameraEnabled(enabled: boolean): Promise<unknown>;
      setMicrophoneEnabled(enabled: boolean): Promise<unknown>;
      setScreenShareEnabled(enabled: boolean): Promise<unknown>;
      publishData(data: Uint8Array<ArrayBuffer>, options: Client.DataPublishOptions): Promise<void>;
    };
  type Publication = Pick<Client.TrackPublication, "isMuted"> & { track?: LiveTrack };
  type LiveTrack = Pick<Client.Track, "kind" | "source"> & {
    attach(): HTMLMediaElement;
    detach(element: HTMLMediaElement): HTMLMediaElement;
  };
  type Quality = `${Client.ConnectionQuality}`;

  /** Somebody of our own list: who may be in the room, and what they may do there. */
  interface Listed {
    identity: string;
    name: string;
    teacher: boolean;
    may_share: boolean;
    removed: boolean;
  }

  /** What our server says of the room; times are in ISO 8601. */
  interface State {
    now: string;
    opens_at: string;
    starts_at: string;
    closes_at: string;
    ended_at: string | null;
    me: Listed;
    people: Listed[];
    present: { identity: string; since: string }[];
  }

  /** Somebody who is connected, as the page shows them. */
  interface Person {
    identity: string;
    name: string;
    teacher: boolean;
    me: boolean;
    /** Whether our list knows them; a stranger is shown, but neither seen nor heard. */
    known: boolean;
    muted: boolean;
    speaking: boolean;
    quality: Quality;
    hand: boolean;
    joinedAt: number;
    camera?: LiveTrack;
    screen?: LiveTrack;
  }

  type Why = "left" | "elsewhere" | "removed" | "ended" | "closed" | "over" | "signed_out" | "no_access";
}
