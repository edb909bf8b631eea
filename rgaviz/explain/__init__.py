"""What a network looks at: attention masks and class activation maps, as numbers."""
