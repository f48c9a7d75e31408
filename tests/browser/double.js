// Stands for LiveKit's client where no LiveKit is: the same room, but what passes between browsers is words on a
// WebSocket that the test answers (hall.py), and each camera is a canvas. Nothing of it is media.

/** @typedef {{identity: string, camera?: boolean, microphone?: boolean, screen?: boolean, quality?: Quality, joinedAt?: number}} Seen */

const Source = /** @type {any} */ ({
  Camera: "camera",
  Microphone: "microphone",
  ScreenShare: "screen_share",
  ScreenShareAudio: "screen_share_audio",
});

/** A picture of a colour that the identity chooses. @implements {LiveTrack} */
class DoubleTrack {
  /**
   * @param {string} identity
   * @param {any} source
   */
  constructor(identity, source) {
    this.kind = /** @type {any} */ (source === Source.Microphone ? "audio" : "video");
    this.source = source;
    this.canvas = document.createElement("canvas");
    [this.canvas.width, this.canvas.height] = [320, 180];
    const drawing = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    const hue = [...identity].reduce((sum, letter) => sum + letter.charCodeAt(0) * 37, 0) % 360;
    drawing.fillStyle = source === Source.ScreenShare ? "#ffffff" : `hsl(${hue} 40% 45%)`;
    drawing.fillRect(0, 0, 320, 180);
  }

  attach() {
    const element = document.createElement(this.kind === "audio" ? "audio" : "video");
    if (this.kind === "video") element.srcObject = this.canvas.captureStream(1);
    element.muted = element.autoplay = true;
    return element;
  }

  /** @param {HTMLMediaElement} element */
  detach(element) {
    element.srcObject = null;
    return element;
  }
}

/** Somebody in the room, as the test says they are. @implements {Participant} */
class DoubleParticipant {
  /** @param {Seen} seen */
  constructor(seen) {
    this.identity = seen.identity;
    this.isSpeaking = false;
    /** @type {Map<any, Publication>} */
    this.publications = new Map();
    this.take(seen);
  }

  /** @param {Seen} seen */
  take(seen) {
    const sources = { camera: Source.Camera, microphone: Source.Microphone, screen: Source.ScreenShare };
    for (const [name, source] of Object.entries(sources)) {
      const on = seen[/** @type {keyof typeof sources} */ (name)];
      if (on === undefined) continue;
      const track = this.publications.get(source)?.track ?? (on ? new DoubleTrack(this.identity, source) : undefined);
      this.publications.set(source, { isMuted: !on, track });
    }
    this.connectionQuality = /** @type {any} */ (seen.quality ?? this.connectionQuality ?? "excellent");
    this.joinedAt = seen.joinedAt ? new Date(seen.joinedAt) : (this.joinedAt ?? new Date());
  }

  /** @param {any} source */
  getTrackPublication(source) {
    return this.publications.get(source);
  }

  /** @param {any} source */
  isOn(source) {
    return this.publications.get(source)?.isMuted === false;
  }

  get isMicrophoneEnabled() {
    return this.isOn(Source.Microphone);
  }

  get isCameraEnabled() {
    return this.isOn(Source.Camera);
  }

  get isScreenShareEnabled() {
    return this.isOn(Source.ScreenShare);
  }
}

/** Oneself. @implements {LocalParticipant} */
class DoubleMe extends DoubleParticipant {
  /** @param {DoubleRoom} room */
  constructor(room) {
    super({ identity: "" });
    this.room = room;
  }

  /** @param {boolean} on */
  async setCameraEnabled(on) {
    this.#turn({ camera: on });
  }

  /** @param {boolean} on */
  async setMicrophoneEnabled(on) {
    this.#turn({ microphone: on });
  }

  /** @param {boolean} on */
  async setScreenShareEnabled(on) {
    this.#turn({ screen: on });
  }

  /**
   * @param {Uint8Array} bytes
   * @param {{topic?: string, destinationIdentities?: string[]}} options
   */
  async publishData(bytes, { topic, destinationIdentities }) {
    this.room.say({ type: "data", topic, text: new TextDecoder().decode(bytes), to: destinationIdentities ?? null });
  }

  /** @param {Omit<Seen, "identity">} change */
  #turn(change) {
    this.take({ identity: this.identity, ...change });
    this.room.say({ type: "person", ...change });
    this.room.tell("localTrackPublished", {}, this);
  }
}

/** @implements {Room} */
class DoubleRoom {
  /** @param {ConstructorParameters<LiveKit["Room"]>[0]} [options] */
  constructor(options) {
    this.options = options;
    /** @type {Record<string, ((...values: any[]) => void)[]>} */
    this.heard = {};
    this.localParticipant = new DoubleMe(this);
    /** @type {Map<string, DoubleParticipant>} */
    this.remoteParticipants = new Map();
    this.canPlaybackAudio = true;
  }

  /**
   * @param {string} event
   * @param {(...values: any[]) => void} listener
   * @returns {any}
   */
  on(event, listener) {
    (this.heard[event] ??= []).push(listener);
    return this;
  }

  /**
   * @param {string} event
   * @param {unknown[]} values
   */
  tell(event, ...values) {
    for (const listener of this.heard[event] ?? []) listener(...values);
  }

  /** @param {object} message */
  say(message) {
    this.line?.send(JSON.stringify(message));
  }

  /**
   * @param {string} url
   * @param {string} token
   * @returns {Promise<void>}
   */
  connect(url, token) {
    const line = new WebSocket(`${url}/double`);
    this.line = line;
    return new Promise((done, fail) => {
      line.onopen = () => this.say({ type: "join", token });
      line.onclose = () => fail(new Error("away"));
      line.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        this.hear(message);
        if (message.type !== "joined") return;
        this.#useWanted();
        done();
      };
    });
  }

  async disconnect() {
    this.line?.close();
    this.tell("disconnected", 1);
  }

  async startAudio() {
    this.hear({ type: "sound", playing: true });
  }

  /**
   * @param {MediaDeviceKind} kind
   * @param {string} id
   */
  async switchActiveDevice(kind, id) {
    this.say({ type: "device", kind, id });
    return true;
  }

  #useWanted() {
    const wanted = {
      audioinput: this.options?.audioCaptureDefaults?.deviceId,
      videoinput: this.options?.videoCaptureDefaults?.deviceId,
      audiooutput: this.options?.audioOutput?.deviceId,
    };
    for (const [kind, id] of Object.entries(wanted)) this.say({ type: "device", kind, id });
  }

  getActiveDevice() {
    return undefined;
  }

  /** @param {any} message */
  hear(message) {
    const { type, identity } = message;
    const someone = this.remoteParticipants.get(identity);
    if (type === "joined") {
      this.localParticipant.identity = identity;
      for (const seen of message.people) this.remoteParticipants.set(seen.identity, new DoubleParticipant(seen));
    } else if (type === "person") this.meet(message);
    else if (type === "gone" && someone) {
      this.remoteParticipants.delete(identity);
      this.tell("participantDisconnected", someone);
    } else if (type === "data") {
      const from = this.remoteParticipants.get(message.from);
      this.tell("dataReceived", new TextEncoder().encode(message.text), from, 0, message.topic);
    } else if (type === "speaking") {
      for (const one of this.remoteParticipants.values()) one.isSpeaking = message.identities.includes(one.identity);
      this.tell("activeSpeakersChanged", []);
    } else if (type === "silence") {
      this.localParticipant.take({ identity: this.localParticipant.identity, microphone: false });
      this.tell("trackMuted", { kind: "audio" }, this.localParticipant);
    } else if (type === "sound") {
      this.canPlaybackAudio = message.playing;
      this.tell("audioPlaybackChanged", message.playing);
    } else if (type === "out") {
      this.tell("disconnected", message.reason);
    } else this.tell(type);
  }

  /** @param {Seen} seen */
  meet(seen) {
    const someone = this.remoteParticipants.get(seen.identity);
    if (someone) {
      someone.take(seen);
      return this.tell("trackSubscribed", {}, {}, someone);
    }
    const newcomer = new DoubleParticipant(seen);
    this.remoteParticipants.set(seen.identity, newcomer);
    this.tell("participantConnected", newcomer);
  }
}

/** @type {LiveKit} */
const double = { Room: DoubleRoom, Track: { Source }, setLogLevel() {} };
Object.assign(window, { LivekitClient: double });
