// How loud a microphone is, on a <meter>.

/**
 * Show the level of a stream's sound until the function that comes back is called.
 * @param {MediaStream} stream
 * @param {HTMLMeterElement} meter
 */
export function showLevel(stream, meter) {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 512 });
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    // A quiet voice is about a hundredth of full scale: the root spreads what is soft.
    meter.value = Math.min(1, Math.sqrt(Math.sqrt(power)) * 1.5);
  }, 100);
  return () => {
    clearInterval(timer);
    meter.value = 0;
    context.close();
  };
}

/**
 * Play two soft notes on a speaker.
 * @param {string} [speaker]
 */
export async function playTestSound(speaker) {
  const context = new AudioContext();
  // Not every browser lets a page choose the speaker.
  if (speaker && "setSinkId" in context) await /** @type {any} */ (context).setSinkId(speaker).catch(() => {});
  await context.resume();
  const start = context.currentTime;
  const gain = new GainNode(context, { gain: 0 });
  gain.connect(context.destination);
  for (const [at, frequency] of /** @type {const} */ ([[0, 523], [0.35, 659]])) {
    const note = new OscillatorNode(context, { frequency });
    note.connect(gain);
    gain.gain.linearRampToValueAtTime(0.15, start + at + 0.03);
    gain.gain.linearRampToValueAtTime(0, start + at + 0.33);
    note.start(start + at);
    note.stop(start + at + 0.35);
  }
  setTimeout(() => context.close(), 1000);
}
