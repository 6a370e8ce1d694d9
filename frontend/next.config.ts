import type { NextConfig } from "next";

/** `next dev` hands /api/ to a service on this address; the export asks NEXT_PUBLIC_API_BASE_URL, or its own origin. */
const SERVICE = process.env.API_URL ?? "http://127.0.0.1:8000";

const exported: NextConfig = { output: "export" };
const developed: NextConfig = {
  skipTrailingSlashRedirect: true,
  rewrites: async () => [
    { source: "/api/:path*/model.onnx", destination: `${SERVICE}/api/:path*/model.onnx` },
    { source: "/api/:path*", destination: `${SERVICE}/api/:path*/` },
  ],
};

const config: NextConfig = {
  ...(process.env.NODE_ENV === "production" ? exported : developed),
  reactStrictMode: true,
  poweredByHeader: false,
  typescript: { ignoreBuildErrors: true }, // `npm run typecheck` looks; who only wants the page does not wait for it
};

export default config;
