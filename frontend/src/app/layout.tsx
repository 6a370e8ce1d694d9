import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { LOCALES_SCRIPT, THEME_SCRIPT } from "@/lib/inline-scripts";
import "./globals.css";
import "./media.css";

export const metadata: Metadata = {
  title: "Face parts",
  description: "Drop a photo and see its face parts, pixel by pixel.",
};

export const viewport: Viewport = { width: "device-width", initialScale: 1, colorScheme: "light dark" };

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" suppressHydrationWarning>
      <head>
        {/* what is parsed after a first picture would move what that has shown */}
        <link rel="expect" href="#footer" blocking="render" />
        <script dangerouslySetInnerHTML={{ __html: THEME_SCRIPT }} />
        <script dangerouslySetInnerHTML={{ __html: LOCALES_SCRIPT }} />
      </head>
      <body className="bg-background text-foreground antialiased">{children}</body>
    </html>
  );
}
