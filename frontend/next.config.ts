import { readFileSync } from "node:fs";
import type { NextConfig } from "next";

/** Where `next dev` sends /api/. The export asks NEXT_PUBLIC_API_BASE_URL, or its own origin. */
const SERVICE = process.env.API_URL ?? "http://127.0.0.1:8000";

const exported: NextConfig = { output: "export" };
const developed: NextConfig = {
  skipTrailingSlashRedirect: true,
  rewrites: () =>
    Promise.resolve([
      { source: "/api/:path*/model.onnx", destination: `${SERVICE}/api/:path*/model.onnx` },
      { source: "/api/:path*", destination: `${SERVICE}/api/:path*/` },
    ]),
};

const config: NextConfig = {
  ...(process.env.NODE_ENV === "production" ? exported : developed),
  env: { NEXT_PUBLIC_VERSION: projectVersion() },
  reactStrictMode: true,
  poweredByHeader: false,
  typescript: { ignoreBuildErrors: true }, // `npm run typecheck` checks; a build does not wait for it
};

/** The one version of package, API and page. */
function projectVersion(): string {
  const source = readFileSync(new URL("../backend/__init__.py", import.meta.url), "utf8");
  const version = /^__version__ = "(.+)"$/m.exec(source)?.[1];
  if (!version) throw new Error("backend/__init__.py has no __version__");
  return version;
}

export default config;
