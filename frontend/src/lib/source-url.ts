/** Where this page's and its service's source can be read; empty where nobody said. */
export const SOURCE_URL = process.env.NEXT_PUBLIC_SOURCE_URL ?? "";
