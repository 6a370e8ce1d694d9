/** What a person can do about it. */
export type Remedy = "retry" | "wait" | "key" | "other-photo" | "none";

/** Anything that went wrong, in words for the person at the screen. */
export interface Trouble {
  code: string;
  title: string;
  hint: string;
  remedy: Remedy;
  /** Seconds until trying again makes sense. */
  wait?: number;
  /** What the service said itself. */
  detail?: string;
  requestId?: string;
}

type Words = Pick<Trouble, "title" | "hint" | "remedy">;

export const WORDS: Record<string, Words> = {
  // of the page
  no_clipboard: {
    title: "This browser does not let the page copy pictures",
    hint: "It may have to be opened by https. Downloading works.",
    remedy: "none",
  },
  // of the API
  invalid_request: {
    title: "The service did not accept these options",
    hint: "Reload the page; it may be older than the service.",
    remedy: "none",
  },
  malformed_body: {
    title: "The photo did not arrive whole",
    hint: "The connection may have broken off.",
    remedy: "retry",
  },
  bad_request: {
    title: "The service did not accept the request",
    hint: "Its address may not be one that it serves.",
    remedy: "none",
  },
  too_many_parts: {
    title: "The service did not accept the request",
    hint: "It had more parts than are taken.",
    remedy: "none",
  },
  api_key_missing: {
    title: "This service asks for an API key",
    hint: "Enter yours below; it is kept until the page is closed.",
    remedy: "key",
  },
  api_key_invalid: {
    title: "This API key was not accepted",
    hint: "It is wrong, revoked or expired.",
    remedy: "key",
  },
  cross_site: {
    title: "The service takes no photos from this page",
    hint: "Whoever runs it can allow this page's address: CORS_ALLOWED_ORIGINS.",
    remedy: "none",
  },
  forbidden: { title: "The service refuses this", hint: "Ask whoever runs it.", remedy: "none" },
  not_found: {
    title: "The service does not know this",
    hint: "The model may have been replaced; reload the page.",
    remedy: "none",
  },
  method_not_allowed: {
    title: "This address is not the service's",
    hint: "The page may be set up for another one.",
    remedy: "none",
  },
  not_acceptable: {
    title: "The service cannot answer in this form",
    hint: "Choose another download.",
    remedy: "none",
  },
  upload_timeout: {
    title: "Sending the photo took too long",
    hint: "A smaller photo or a better connection helps.",
    remedy: "retry",
  },
  upload_too_large: {
    title: "The photo is too large to send",
    hint: "Save it smaller, or as JPEG, and try that one.",
    remedy: "other-photo",
  },
  image_too_large: {
    title: "The photo has too many pixels",
    hint: "Scale it down and try that one.",
    remedy: "other-photo",
  },
  unsupported_image: {
    title: "This is not a photo that can be read",
    hint: "JPEG, PNG, WebP, AVIF, BMP, TIFF and GIF are.",
    remedy: "other-photo",
  },
  unsupported_media_type: {
    title: "This is not a photo that can be read",
    hint: "JPEG, PNG, WebP, AVIF, BMP, TIFF and GIF are.",
    remedy: "other-photo",
  },
  broken_image: {
    title: "The photo is damaged",
    hint: "It is cut short or broken; open the original and save it anew.",
    remedy: "other-photo",
  },
  too_complex: {
    title: "The photo is built in a way that is not taken",
    hint: "It holds more frames, tiles or layers than a photo needs; save it anew as JPEG or PNG.",
    remedy: "other-photo",
  },
  decoding_stopped: {
    title: "Opening the photo took too much time or memory",
    hint: "Save it anew as JPEG or PNG, or smaller.",
    remedy: "other-photo",
  },
  rate_limited: {
    title: "That was a lot of photos",
    hint: "The service asks for a short break.",
    remedy: "wait",
  },
  too_busy: {
    title: "The service is busy",
    hint: "Others are ahead; it will be free in a moment.",
    remedy: "wait",
  },
  not_ready: { title: "The service is starting", hint: "Its model is not loaded yet.", remedy: "wait" },
  internal_error: {
    title: "Something went wrong in the service",
    hint: "Another try may help.",
    remedy: "retry",
  },
  // of this page
  unreachable: {
    title: "The service cannot be reached",
    hint: "Check the connection, and that the service runs.",
    remedy: "retry",
  },
  offline: {
    title: "You are offline",
    hint: "Connect and try again, or parse on this device.",
    remedy: "retry",
  },
  broke_off: { title: "The connection broke off while sending", hint: "", remedy: "retry" },
  unexpected_answer: {
    title: "The service gave an answer that makes no sense",
    hint: "Something between here and there may have answered for it.",
    remedy: "retry",
  },
  no_sample: {
    title: "The sample could not be fetched",
    hint: "Try again, or choose a photo of your own.",
    remedy: "retry",
  },
  heic: {
    title: "HEIC photos cannot be read here",
    hint: "Export it as JPEG. On an iPhone: Settings, Camera, Formats, Most Compatible.",
    remedy: "other-photo",
  },
  not_a_photo: {
    title: "This file is not a photo",
    hint: "JPEG, PNG, WebP, AVIF, BMP, TIFF and GIF are read.",
    remedy: "other-photo",
  },
  no_photos: {
    title: "There is no photo in this folder",
    hint: "JPEG, PNG, WebP, AVIF, BMP, TIFF and GIF are read.",
    remedy: "other-photo",
  },
  empty_file: { title: "This file is empty", hint: "Choose another one.", remedy: "other-photo" },
  not_readable_here: {
    title: "This browser cannot open the photo",
    hint: "On this device only what the browser can show is parsed; send it to the service instead.",
    remedy: "other-photo",
  },
  no_local_model: {
    title: "The model could not be fetched",
    hint: "The service may not offer it for use in the browser.",
    remedy: "retry",
  },
  no_runtime: {
    title: "The program that parses on this device could not be fetched",
    hint: "The connection was lost on the way. Try again.",
    remedy: "retry",
  },
  model_not_for_browser: {
    title: "This model does not run in the browser",
    hint: "Choose another model, or let the service parse the photo.",
    remedy: "none",
  },
  device_failed: {
    title: "Parsing on this device failed",
    hint: "The photo may be too large for this browser's memory.",
    remedy: "retry",
  },
  script_missing: {
    title: "A part of this page could not be fetched",
    hint: "Check the connection. If the page was updated meanwhile, reload it; what it shows is lost then.",
    remedy: "none",
  },
  page_failed: {
    title: "This page could not show the photo",
    hint: "The photo may be too large for this browser's memory.",
    remedy: "retry",
  },
  camera_denied: {
    title: "The camera is not allowed here",
    hint: "Allow it in the browser's settings for this page.",
    remedy: "none",
  },
  camera_insecure: {
    title: "The camera needs a secure page",
    hint: "Open this page by https, or on the machine that serves it at localhost.",
    remedy: "none",
  },
  camera_busy: {
    title: "The camera cannot be used now",
    hint: "Another program may have it; close that one and open the camera again.",
    remedy: "none",
  },
  camera_missing: {
    title: "No camera was found",
    hint: "Connect one, or choose a photo instead.",
    remedy: "none",
  },
};
